import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { deadlinesFor, exhaustionTime, percentUsed } from '../budget/limits.ts';
import { formatMoney, formatUsd } from '../money.ts';
import { isTrue } from '../runtime/conditions.ts';
import { replaceLast } from './attempts.ts';
import type { JobMoney } from './cost.ts';
import { situationOf, terminateAction } from './live-situation.ts';
import { askedToStop, event, type Step, type StopReason, stepOf } from './step.ts';
import type { JobEvent, JobObserved } from './types.ts';

type Freeze = NonNullable<TrainingJobStatus['freeze']>;

/** A new deadline is sent when it moved by more than this: a raise, a cut, a corrected price. */
const DEADLINE_DRIFT_MS = 5_000;

/** Asks the trainer for a checkpoint and its end, with a deadline after which it is ended all the same. */
export function stop(
  o: JobObserved,
  attempts: readonly Attempt[],
  live: Attempt,
  money: JobMoney,
  reason: StopReason,
): Step {
  const stopped: Attempt = { ...live, state: 'Stopping', stopReason: reason };
  const list = replaceLast(attempts, stopped);
  if (reason === 'Deleted') {
    return stepOf(
      o,
      list,
      { kind: 'Terminating', message: 'The job was deleted' },
      {
        actions: [terminateAction(stopped)],
        requeueAfterMs: 500,
      },
    );
  }
  const freeze = freezeFor(o, stopped, money, reason);
  const why = reason === 'Budget' ? budgetMessage(money) : `${reason}: saving a checkpoint`;
  return stepOf(o, list, situationOf(stopped, why), {
    freeze,
    actions: [{ type: 'RequestCheckpoint', id: freeze.requestId, reason: `${reason}: ${why}` }],
    events: [event(reason === 'Budget' ? 'Warning' : 'Normal', reason === 'Budget' ? 'Freezing' : 'Pausing', why)],
    requeueAfterMs: 500,
  });
}

/** The record of a stop under way. */
export function freezeFor(o: JobObserved, live: Attempt, money: JobMoney, reason: StopReason): Freeze {
  const byBudget = exhaustionTime(money.limit, money.spent, money.rate, o.now) - money.timings.teardownMs / 2;
  const patient = o.now + Math.max(o.settings.pauseMs, money.timings.checkpointMs * 3);
  return {
    limit: formatMoney(money.limit),
    requestedAt: new Date(o.now).toISOString(),
    reason: reason === 'Budget' || reason === 'Paused' ? reason : 'Suspended',
    requestId: `${live.name}-${reason.toLowerCase()}`,
    deadline: new Date(Math.max(o.now, reason === 'Budget' ? byBudget : Math.min(byBudget, patient))).toISOString(),
  };
}

/** A stop is under way: ask again while there is time (asking is idempotent), then end it. */
export function stopping(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const freeze = o.job.status?.freeze;
  const deleted = askedToStop(o) === 'Deleted';
  if (deleted || freeze === undefined || o.now >= Date.parse(freeze.deadline)) {
    return stepOf(o, attempts, situationOf(live), { actions: [terminateAction(live)], requeueAfterMs: 500 });
  }
  const known = o.trainer !== undefined && 'status' in o.trainer && o.trainer.status.request?.id === freeze.requestId;
  const reason = `${live.stopReason ?? freeze.reason}: saving a checkpoint`;
  return stepOf(o, attempts, situationOf(live), {
    actions: known ? [] : [{ type: 'RequestCheckpoint', id: freeze.requestId, reason }],
    requeueAfterMs: Math.max(50, Math.min(500, Date.parse(freeze.deadline) - o.now)),
  });
}

/**
 * What the trainer says it will keep is compared, not what was once written down: the operator may have died, or the
 * trainer been out of reach, between the two.
 */
export function movedDeadline(o: JobObserved, money: JobMoney): string | undefined {
  const next = deadlinesFor(money.limit, money.spent, money.rate, o.now, money.timings)?.trainer;
  if (next === undefined || o.trainer === undefined || !('status' in o.trainer)) return undefined;
  const { deadline } = o.trainer.status;
  const held = deadline === null ? Number.NaN : Date.parse(deadline);
  return Math.abs(next - held) <= DEADLINE_DRIFT_MS ? undefined : new Date(next).toISOString();
}

export function budgetEvents(o: JobObserved, level: string, money: JobMoney): JobEvent[] {
  const conditions = o.job.status?.conditions ?? [];
  const text = `${percentUsed(money.spent, money.limit)} % of the budget is spent: ${budgetMessage(money)}`;
  const events: JobEvent[] = [];
  if (level !== 'Ok' && !isTrue(conditions, 'BudgetAlert')) events.push(event('Normal', 'AlertReached', text));
  if (level === 'Warning' && !isTrue(conditions, 'BudgetWarning'))
    events.push(event('Warning', 'WarningReached', text));
  if (money.forecast?.fits === false && o.job.status?.cost?.forecastFits !== false) {
    const needed = formatUsd(money.forecast.atCompletion);
    events.push(
      event('Warning', 'BudgetTooSmall', `Finishing would cost ${needed}: ${money.forecast.options.join('; ')}`),
    );
  }
  return events;
}

function budgetMessage(money: JobMoney): string {
  return `${formatUsd(money.spent)} of ${formatUsd(money.limit)}, ${formatUsd(money.reserve)} kept back to save the work`;
}
