import type { Attempt } from '@kriptik/crds';
import { deadlinesFor } from '../budget/limits.ts';
import { addMoney, formatMoney, type MicroUsd, minMoney, parseMoney } from '../money.ts';
import { clipped } from '../runtime/text.ts';
import { replaceLast } from './attempts.ts';
import { type JobMoney, moneyOf } from './cost.ts';
import { freezeFor, isCut } from './freeze.ts';
import { situationOf, terminateAction } from './live-situation.ts';
import { askedToStop, event, type Step, type StopReason, stepOf } from './step.ts';
import type { JobAction, JobObserved } from './types.ts';
import { waitedTooLong, waitingEvents, waitStep } from './waiting.ts';

/** A deadline of a waiting attempt is renewed when it lies too early by this much, or by a tenth of what is left. */
const RENEW_MS = 60_000;

/** Decides for an attempt that exists and holds no hardware: nothing is billed, and it may start at any moment. */
export function queued(o: JobObserved, attempts: readonly Attempt[], before: Attempt, live: Attempt): Step {
  const list = replaceLast(attempts, live);
  const money = moneyOf(o, list);
  const asked = askedToStop(o) ?? (o.approval.approved ? undefined : 'Superseded');
  if (asked !== undefined) return withdraw(o, list, live, money, asked);
  if (addMoney(money.spent, money.reserve) >= money.limit) return withdraw(o, list, live, money, 'Budget');
  const late = waitedTooLong(o, live);
  if (late !== undefined) return withdraw(o, list, live, money, 'Capacity', late);
  const limit = grantedLimit(live, money.runLimit);
  const deadline = renewedDeadline(o, live, money, limit);
  // What is lower stands on record as a cut until the provider has taken it.
  const known = isCut(live, limit) && o.hardLimit !== limit ? {} : { deadlineLimit: formatMoney(limit) };
  const kept = live.deadline === undefined ? live : { ...live, ...(deadline && { deadline }), ...known };
  const actions: JobAction[] = deadline === undefined ? [] : [{ type: 'RenewQueued', deadline }];
  return waitStep(o, replaceLast(list, kept), kept, actions, waitingEvents(before, kept));
}

/**
 * Ends an attempt whose trainer never ran: there is nothing to save, so nothing is asked for. It ends with a signal
 * all the same, for it may have started this very moment.
 */
export function withdraw(
  o: JobObserved,
  attempts: readonly Attempt[],
  live: Attempt,
  money: JobMoney,
  reason: StopReason,
  why = '',
): Step {
  const stopped: Attempt = {
    ...live,
    state: 'Stopping',
    stopReason: reason,
    ...(why === '' ? {} : { message: clipped(why, 1024) }),
  };
  const told = why || `${reason}: the attempt had not started`;
  const freeze =
    reason === 'Capacity' || reason === 'Deleted'
      ? undefined
      : { ...freezeFor(o, stopped, money, reason), deadline: new Date(o.now).toISOString() };
  return stepOf(o, replaceLast(attempts, stopped), situationOf(stopped, told), {
    ...(freeze === undefined ? {} : { freeze }),
    actions: [terminateAction(stopped)],
    events: [
      event(reason === 'Capacity' ? 'Warning' : 'Normal', eventReason(reason), `Attempt ${live.number}: ${told}`),
    ],
    requeueAfterMs: o.settings.stopPollMs,
  });
}

function eventReason(reason: StopReason): string {
  if (reason === 'Capacity') return 'CapacityTimeout';
  if (reason === 'Deleted') return 'Terminating';
  return reason === 'Budget' ? 'Freezing' : 'Pausing';
}

/** A raise is not needed before hardware is held: it is asked for, and the month looked at, once the trainer runs. */
export function grantedLimit({ deadlineLimit }: Attempt, runLimit: MicroUsd): MicroUsd {
  return deadlineLimit === undefined ? runLimit : minMoney(runLimit, parseMoney(deadlineLimit));
}

/**
 * A deadline counts from when it was written down, but money is only spent once hardware is held: the trainer would
 * freeze long before its money ends. Moved rarely, for each move is a write; once it runs, the exact one is set.
 */
function renewedDeadline(o: JobObserved, live: Attempt, money: JobMoney, limit: MicroUsd): string | undefined {
  const next = deadlinesFor(limit, money.spent, money.rate, o.now, money.timings)?.trainer;
  if (next === undefined || live.deadline === undefined) return undefined;
  const late = next - Date.parse(live.deadline);
  // A cut budget moves it back at once; a shorter way than a second is but rounding.
  const moved = late < -1_000 || late > Math.max(RENEW_MS, (next - o.now) / 10);
  if (moved) return new Date(next).toISOString();
  return isCut(live, limit) && o.hardLimit !== limit ? live.deadline : undefined;
}
