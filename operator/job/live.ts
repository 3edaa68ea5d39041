import type { Attempt } from '@kriptik/crds';
import { budgetLevel, exhaustionTime } from '../budget/limits.ts';
import { addMoney } from '../money.ts';
import { replaceLast } from './attempts.ts';
import { type JobMoney, moneyOf } from './cost.ts';
import { create } from './create.ts';
import { ended } from './ended.ts';
import { budgetEvents, keptDeadline, staleRequest, stop, stopping, withdrawnStop } from './freeze.ts';
import { terminate, uselessSince } from './hung.ts';
import { situationOf } from './live-situation.ts';
import { queued, withdraw } from './queued.ts';
import { askedToStop, type Step, stepOf } from './step.ts';
import type { JobAction, JobObserved, Situation } from './types.ts';
import { seen, waitedTooLong, waitingEvents } from './waiting.ts';

/** Decides for a job with an attempt that may cost money. */
export function decideLive(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  if (o.instance === 'unknown') {
    return stepOf(o, attempts, unseen(o, live), { requeueAfterMs: o.settings.pollMs });
  }
  if (o.instance === undefined) return absent(o, attempts, live);
  if (o.instance.state === 'exited') return ended(o, attempts, live, o.instance);
  if (isJustMade(o, live)) return stepOf(o, attempts, situationOf(live), { requeueAfterMs: o.settings.pollMs });
  const current = seen(live, o.instance, o.now);
  switch (live.state) {
    case 'Creating':
      return o.instance.state === 'queued' ? queued(o, attempts, live, current) : run(o, attempts, live, current);
    case 'Running':
      return run(o, attempts, live, current);
    case 'Stopping':
    case 'Gone':
      return withdrawnStop(o, attempts, current) ?? stopping(o, replaceLast(attempts, current), current);
  }
}

/**
 * Made a moment ago, and nothing hinders it: it will hold hardware before anybody can read that it does not. Its end is
 * found by its name, which is on record.
 */
function isJustMade(o: JobObserved, live: Attempt): boolean {
  if (o.instance === undefined || o.instance === 'unknown' || o.instance.state !== 'queued') return false;
  if (live.state !== 'Creating' || live.instance !== undefined) return false;
  return askedToStop(o) === undefined && o.approval.approved && o.now - Date.parse(live.createdAt) < o.settings.pollMs;
}

/** What was created and is not there any more has ended; what was never seen is still to be created. */
function absent(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const unseenYet = live.state === 'Creating' && live.instance === undefined;
  return unseenYet ? create(o, attempts, live) : ended(o, attempts, live, undefined);
}

function run(o: JobObserved, attempts: readonly Attempt[], before: Attempt, live: Attempt): Step {
  const current = withEndpoint(o, live.startedAt === undefined ? live : { ...live, state: 'Running' });
  const list = replaceLast(attempts, current);
  const money = moneyOf(o, list);
  const asked = askedToStop(o);
  const halt = current.state === 'Running' ? stop : withdraw;
  if (asked !== undefined) return halt(o, list, current, money, asked);
  const { alertAt, warnAt } = o.goal ?? o.job.spec.run.contract.budget;
  const level = budgetLevel(money.spent, money.reserve, money.limit, alertAt, warnAt);
  if (level === 'Freeze') return halt(o, list, current, money, 'Budget');
  const late = waitedTooLong(o, current);
  if (late !== undefined && current.state !== 'Running') return withdraw(o, list, current, money, 'Capacity', late);
  const useless = uselessSince(o, current);
  if (useless !== undefined) return terminate(o, list, current, useless);

  const { deadline, deadlineLimit } = keptDeadline(o, before, money);
  const kept = { ...current, ...(deadline && { deadline }), ...(deadlineLimit && { deadlineLimit }) };
  const actions: JobAction[] = deadline === undefined ? [] : [{ type: 'SetDeadline', deadline }];
  return stepOf(o, replaceLast(list, kept), situationOf(kept), {
    actions: [...actions, ...staleRequest(o)],
    events: [...waitingEvents(before, kept), ...budgetEvents(o, level, money)],
    requeueAfterMs: o.settings.pollMs,
    ...freezeLook(o, money),
  });
}

/** The look that must not come late: just when the money for an orderly freeze runs out. */
function freezeLook(o: JobObserved, money: JobMoney): { urgentAfterMs?: number } {
  const freezeAt = exhaustionTime(money.limit, addMoney(money.spent, money.reserve), money.rate, o.now);
  return Number.isFinite(freezeAt) ? { urgentAfterMs: Math.max(50, freezeAt - o.now) } : {};
}

function withEndpoint(o: JobObserved, live: Attempt): Attempt {
  if (o.instance === undefined || o.instance === 'unknown' || o.instance.endpoint === undefined) return live;
  return { ...live, endpoint: o.instance.endpoint };
}

/** Nobody can tell whether the attempt runs: it is held to run, and people are told what brings it back into view. */
function unseen(o: JobObserved, live: Attempt): Situation {
  const situation = situationOf(live);
  if (o.providers.find(({ name }) => name === live.provider)?.reason !== 'ProviderMissing') return situation;
  const until = live.deadline === undefined ? '' : ` It saves its work and ends by itself at ${live.deadline}.`;
  const message = `ComputeProvider ${live.provider} was deleted while attempt ${live.number} may run there.${until} Create it again with the same spec, so that its end can be verified`;
  return { ...situation, message };
}
