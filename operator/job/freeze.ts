import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { deadlinesFor, exhaustionTime, freezeDuration, percentUsed } from '../budget/limits.ts';
import { formatMoney, formatUsd, type MicroUsd, maxMoney, parseMoney } from '../money.ts';
import { isTrue } from '../runtime/conditions.ts';
import { replaceLast } from './attempts.ts';
import { type JobMoney, moneyOf, runLimitOf } from './cost.ts';
import { situationOf, terminateAction } from './live-situation.ts';
import { hasRoomToStart } from './room.ts';
import { askedToStop, event, type Step, type StopReason, stepOf } from './step.ts';
import type { JobAction, JobEvent, JobObserved } from './types.ts';

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
        requeueAfterMs: o.settings.stopPollMs,
      },
    );
  }
  const freeze = freezeFor(o, stopped, money, reason);
  const why = reason === 'Budget' ? budgetMessage(o, money) : `${reason}: saving a checkpoint`;
  return stepOf(o, list, situationOf(stopped, why), {
    freeze,
    actions: [{ type: 'RequestCheckpoint', id: freeze.requestId, reason: `${reason}: ${why}` }],
    events: [event(reason === 'Budget' ? 'Warning' : 'Normal', reason === 'Budget' ? 'Freezing' : 'Pausing', why)],
    requeueAfterMs: o.settings.stopPollMs,
    urgentAfterMs: Math.max(50, Date.parse(freeze.deadline) - o.now),
  });
}

/** The record of a stop under way. Its id is new each time: one that was withdrawn must not be taken for the next. */
export function freezeFor(o: JobObserved, live: Attempt, money: JobMoney, reason: StopReason): Freeze {
  const byBudget = exhaustionTime(payable(o, money), money.spent, money.rate, o.now) - money.timings.teardownMs / 2;
  const patient = o.now + Math.max(o.settings.pauseMs, money.timings.checkpointMs * 3);
  const orderly = o.now + freezeDuration(money.timings);
  // An instance that costs nothing has no end of its money; that it takes its time harms nobody.
  const own = Math.min(ownEnd(o, money), patient);
  const deadline = reason === 'Budget' ? Math.min(byBudget, Math.max(own, orderly)) : Math.min(byBudget, patient);
  return {
    limit: formatMoney(money.limit),
    requestedAt: new Date(o.now).toISOString(),
    reason: reason === 'Budget' || reason === 'Paused' || reason === 'Terminated' ? reason : 'Suspended',
    requestId: `${live.name}-${reason.toLowerCase()}-${o.now.toString(36)}`,
    deadline: new Date(Math.max(o.now, deadline)).toISOString(),
  };
}

/** The end of the money for instances, less half of what the end itself takes. */
function ownEnd(o: JobObserved, money: JobMoney): number {
  return exhaustionTime(money.runLimit, money.spent, money.rate, o.now) - money.timings.teardownMs / 2;
}

/**
 * What an orderly stop may use. A cut below what is spent takes effect at once, but the save it needs is paid from the
 * limit that was in force until then: so a cut loses no work, and the earlier limit still holds.
 */
function payable(o: JobObserved, money: JobMoney): MicroUsd {
  const before = o.job.status?.cost?.limit;
  return before === undefined ? money.runLimit : maxMoney(money.runLimit, runLimitOf(parseMoney(before), money.hold));
}

/**
 * A stop whose reason is gone before the trainer began to follow it: it is withdrawn, and the attempt trains on. If the
 * trainer began after all, it ends with its work saved, and the next attempt starts at once from there.
 */
export function withdrawnStop(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step | undefined {
  const freeze = o.job.status?.freeze;
  const { stopReason, ...going } = live;
  if (live.state !== 'Stopping' || freeze === undefined || stopReason === undefined || !WITHDRAWABLE.has(stopReason))
    return undefined;
  if (askedToStop(o) !== undefined || !o.approval.approved || o.now >= Date.parse(freeze.deadline)) return undefined;
  if (!hasNotBegun(o, freeze)) return undefined;
  const current: Attempt = { ...going, state: 'Running' };
  const list = replaceLast(attempts, current);
  const money = moneyOf(o, list);
  if (!hasRoomToStart(o, money)) return undefined;
  const message = `The reason to stop is gone (${stopReason}) and the trainer had not begun to: it trains on`;
  return stepOf(o, list, situationOf(current), {
    freeze: undefined,
    actions: [{ type: 'CancelCheckpoint', id: freeze.requestId }],
    events: [event('Normal', 'StopWithdrawn', message)],
    requeueAfterMs: 0,
  });
}

const WITHDRAWABLE: ReadonlySet<StopReason> = new Set<StopReason>(['Budget', 'Paused', 'Suspended', 'Superseded']);

/** The trainer answers, trains, and has at most noted the request. */
function hasNotBegun(o: JobObserved, freeze: Freeze): boolean {
  if (o.trainer === undefined || !('status' in o.trainer)) return false;
  const { request, phase } = o.trainer.status;
  if (phase !== 'preparing' && phase !== 'training' && phase !== 'checkpointing') return false;
  return request === null || request.id !== freeze.requestId || request.state === 'pending';
}

/** A request that was withdrawn on record but not with the trainer: the operator may have died between the two. */
export function staleRequest(o: JobObserved): JobAction[] {
  if (o.trainer === undefined || !('status' in o.trainer)) return [];
  const { request } = o.trainer.status;
  return request?.state === 'pending' ? [{ type: 'CancelCheckpoint', id: request.id }] : [];
}

/** A stop is under way: ask again while there is time (asking is idempotent), then end it. */
export function stopping(o: JobObserved, attempts: readonly Attempt[], live: Attempt): Step {
  const freeze = o.job.status?.freeze;
  const deleted = askedToStop(o) === 'Deleted';
  if (deleted || freeze === undefined || o.now >= Date.parse(freeze.deadline)) {
    const actions = [terminateAction(live)];
    return stepOf(o, attempts, situationOf(live), { actions, requeueAfterMs: o.settings.stopPollMs });
  }
  const known = o.trainer !== undefined && 'status' in o.trainer && o.trainer.status.request?.id === freeze.requestId;
  const reason = `${live.stopReason ?? freeze.reason}: saving a checkpoint`;
  return stepOf(o, attempts, situationOf(live), {
    actions: known ? [] : [{ type: 'RequestCheckpoint', id: freeze.requestId, reason }],
    requeueAfterMs: o.settings.stopPollMs,
    urgentAfterMs: Math.max(50, Date.parse(freeze.deadline) - o.now),
  });
}

/**
 * What the trainer says it will keep is compared, not what was once written down: the operator may have died, or the
 * trainer been out of reach, between the two. Where it says how long is left, clocks play no part. A deadline moves to
 * later only for a higher limit than the trainer is known to keep it for, and, when the trainer is first seen to run, by
 * as much as its bill began later than was reckoned: a clock that was set is no reason. `before` is the attempt on record.
 */
export function keptDeadline(
  o: JobObserved,
  before: Attempt,
  money: JobMoney,
): Pick<Attempt, 'deadline' | 'deadlineLimit'> {
  const next = deadlinesFor(money.runLimit, money.spent, money.rate, o.now, money.timings)?.trainer;
  const held = heldDeadline(o);
  if (next === undefined) return {};
  const sooner = { deadline: new Date(next).toISOString() };
  // A trainer that does not answer yet is told once it does; its provider's line need not wait for that.
  if (held === undefined) return isCut(before, money.runLimit) && o.hardLimit !== money.runLimit ? sooner : {};
  if (Math.abs(next - held) <= DEADLINE_DRIFT_MS) {
    if (!isHalfMoved(o, before, money.runLimit)) return { deadlineLimit: formatMoney(money.runLimit) };
    if (isRaised(before, money.runLimit) && waitsForMonth(o)) return {};
    return { deadline: before.deadline ?? sooner.deadline };
  }
  if (next < held) return sooner;
  if (waitsForMonth(o)) return {};
  const later = isRaised(before, money.runLimit) ? next : Math.min(next, held + billedLater(before, next));
  return later - held <= DEADLINE_DRIFT_MS ? {} : { deadline: new Date(later).toISOString() };
}

/** Whether the limit, less the hold, is higher than the one that the trainer is known to keep its deadline for. */
export function isRaised(before: Attempt | undefined, runLimit: MicroUsd): boolean {
  return before?.deadlineLimit === undefined || runLimit > parseMoney(before.deadlineLimit);
}

function waitsForMonth({ month }: JobObserved): boolean {
  return month !== undefined && month.verdict !== 'launch';
}

/** Whether it is lower than the one that trainer and provider are known to keep. */
export function isCut({ deadlineLimit }: Attempt, runLimit: MicroUsd): boolean {
  return deadlineLimit !== undefined && runLimit < parseMoney(deadlineLimit);
}

/** The trainer keeps the deadline of this limit, and its provider is not known to: the call failed, or the operator died before it. */
function isHalfMoved({ hardLimit }: JobObserved, before: Attempt, runLimit: MicroUsd): boolean {
  return hardLimit === undefined ? isCut(before, runLimit) : hardLimit !== runLimit;
}

/** What the trainer says it keeps, epoch ms; infinite where it keeps none, undefined where it says nothing. */
export function heldDeadline({ now, trainer }: JobObserved): number | undefined {
  if (trainer === undefined || !('status' in trainer)) return undefined;
  const { deadline, deadlineSeconds } = trainer.status;
  if (typeof deadlineSeconds === 'number') return now + deadlineSeconds * 1000;
  return deadline === null ? Number.POSITIVE_INFINITY : Date.parse(deadline);
}

/** By how much the money lasts longer than was reckoned before the bill began, ms; asked once, when the trainer first runs. */
function billedLater({ startedAt, deadline }: Attempt, next: number): number {
  return startedAt !== undefined || deadline === undefined ? 0 : Math.max(0, next - Date.parse(deadline));
}

export function budgetEvents(o: JobObserved, level: string, money: JobMoney): JobEvent[] {
  const conditions = o.job.status?.conditions ?? [];
  const text = `${percentUsed(money.spent, money.limit)} % of the budget is spent: ${budgetMessage(o, money)}`;
  const events: JobEvent[] = [];
  if (level !== 'Ok' && !isTrue(conditions, 'BudgetAlert')) events.push(event('Normal', 'AlertReached', text));
  if (level === 'Warning' && !isTrue(conditions, 'BudgetWarning'))
    events.push(event('Warning', 'WarningReached', text));
  return events;
}

function budgetMessage(o: JobObserved, money: JobMoney): string {
  const kept = `${formatUsd(money.spent)} of ${formatUsd(money.limit)}, ${formatUsd(money.reserve)} kept back to save the work`;
  const before = o.job.status?.cost?.limit;
  const cut = before !== undefined && parseMoney(before) > money.limit;
  return cut ? `the budget was lowered from ${formatUsd(parseMoney(before))}: ${kept}` : kept;
}
