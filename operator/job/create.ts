import type { Attempt } from '@kriptik/crds';
import { addMoney } from '../money.ts';
import { clipped } from '../runtime/text.ts';
import { replaceLast } from './attempts.ts';
import { moneyOf } from './cost.ts';
import { ended } from './ended.ts';
import { failed } from './failure.ts';
import { situationOf } from './live-situation.ts';
import { askedToStop, event, type Step, stepOf } from './step.ts';
import type { JobObserved } from './types.ts';
import { READING_MS } from './unjudged.ts';

/** The identity is on record and nothing runs under it: create it, unless nobody wants it any more. */
export function create(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const asked = askedToStop(o);
  if (asked !== undefined) return ended(o, attempts, { ...live, stopReason: asked }, undefined);
  if (!o.approval.approved) return unapproved(o, attempts, live);
  if (o.launchError?.final === true) return impossible(o, attempts, live, o.launchError.message);
  // It may be the very one to begin with: nothing is concluded from its absence.
  if (o.store.pending !== undefined && lacks(o, live))
    return stepOf(o, attempts, situationOf(live), { requeueAfterMs: READING_MS });
  const hindrance = o.launchError?.message ?? outdated(o, attempts, live);
  if (hindrance !== undefined) return refused(o, attempts, live, hindrance);
  return stepOf(o, attempts, situationOf(live), {
    actions: [{ type: 'Launch', attempt: live }],
    requeueAfterMs: o.settings.pollMs,
  });
}

/**
 * Whoever wrote the attempt down saw the approval: that we do not may be our own lag, and the one who did may be creating
 * it this very moment. So it is closed only once such a call would be long over; nothing is created meanwhile.
 */
function unapproved(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const old = o.now - Date.parse(live.createdAt) >= o.settings.unreachableMs;
  if (old) return ended(o, attempts, { ...live, stopReason: 'Superseded' }, undefined);
  return stepOf(o, attempts, situationOf(live), { requeueAfterMs: o.settings.pollMs });
}

/** Why an attempt must not be created as it was written down: too long ago, or on a checkpoint that broke since. */
function outdated(o: JobObserved, attempts: readonly Attempt[], live: Attempt): string | undefined {
  const { spent, reserve, limit } = moneyOf(o, attempts);
  if (addMoney(spent, reserve) >= limit) return `Attempt ${live.number} could not be created while its money lasted`;
  if (!lacks(o, live)) return undefined;
  return `The checkpoint of step ${live.resumedFromStep} does not verify any more; the next attempt goes on from step ${o.store.latest?.step ?? 0}`;
}

/** Whether what the attempt would begin with is not there. */
function lacks(o: JobObserved, live: Attempt): boolean {
  return (o.store.latest?.step ?? 0) < live.resumedFromStep;
}

/** Nothing was created, so nothing is billed: the attempt ends at the moment it began. */
function neverCreated(live: Attempt, outcome: NonNullable<Attempt['outcome']>, message: string): Attempt {
  const end = { state: 'Gone', goneAt: live.createdAt, lastStep: live.resumedFromStep, cost: '0.00' } as const;
  return { ...live, ...end, outcome, message: clipped(message, 4096) };
}

/** No provider could ever run it: it is for people to change the plan. */
function impossible(o: JobObserved, attempts: readonly Attempt[], live: Attempt, message: string): Step {
  const remedy = 'change the goal, or spec.selection of a new plan, and approve that';
  return stepOf(
    o,
    replaceLast(attempts, neverCreated(live, 'Failed', message)),
    failed(o, 'CannotRun', message, remedy),
    {
      events: [event('Warning', 'CannotRun', message)],
      diagnosis: [{ code: 'CannotRun', message, remedy }],
    },
  );
}

function refused(o: JobObserved, attempts: readonly Attempt[], live: Attempt, message: string): Step {
  const gone = neverCreated(live, 'Lost', message);
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
