import type { Attempt } from '@kriptik/crds';
import { addMoney } from '../money.ts';
import { replaceLast } from './attempts.ts';
import { moneyOf } from './cost.ts';
import { ended } from './ended.ts';
import { situationOf } from './live-situation.ts';
import { askedToStop, event, type Step, stepOf } from './step.ts';
import type { JobObserved } from './types.ts';

/** The identity is on record and nothing runs under it: create it, unless nobody wants it any more. */
export function create(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const asked = askedToStop(o) ?? (o.approval.approved ? undefined : 'Superseded');
  if (asked !== undefined) return ended(o, attempts, { ...live, stopReason: asked }, undefined);
  const hindrance = o.launchError ?? outdated(o, attempts, live);
  if (hindrance !== undefined) return refused(o, attempts, live, hindrance);
  return stepOf(o, attempts, situationOf(live), {
    actions: [{ type: 'Launch', attempt: live }],
    requeueAfterMs: o.settings.pollMs,
  });
}

/** Why an attempt must not be created as it was written down: too long ago, or on a checkpoint that broke since. */
function outdated(o: JobObserved, attempts: readonly Attempt[], live: Attempt): string | undefined {
  const { spent, reserve, limit } = moneyOf(o, attempts);
  if (addMoney(spent, reserve) >= limit) return `Attempt ${live.number} could not be created while its money lasted`;
  const saved = o.store.latest?.step ?? 0;
  if (saved >= live.resumedFromStep) return undefined;
  return `The checkpoint of step ${live.resumedFromStep} does not verify any more; the next attempt goes on from step ${saved}`;
}

/** Nothing was created, so nothing is billed: the attempt ends at the moment it began. */
function refused(o: JobObserved, attempts: readonly Attempt[], live: Attempt, message: string): Step {
  const gone: Attempt = {
    ...live,
    state: 'Gone',
    goneAt: live.createdAt,
    outcome: 'Lost',
    lastStep: live.resumedFromStep,
    cost: '0.00',
    message,
  };
  return stepOf(
    o,
    replaceLast(attempts, gone),
    { kind: 'Pending', reason: 'LaunchRefused', message },
    {
      events: [event('Warning', 'LaunchRefused', message)],
      requeueAfterMs: o.settings.waitMs,
    },
  );
}
