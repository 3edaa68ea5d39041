import type { Attempt, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { addMoney, type MicroUsd, maxMoney, mulRatio, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { findCondition, isTrue } from '../runtime/conditions.ts';

/** A month's ceiling of one namespace. Amounts in micro-dollars; `left` is never negative. */
export interface MonthRoom {
  /** Spent since the month began. */
  readonly spent: MicroUsd;
  /** What was approved and may still be spent. */
  readonly reserved: MicroUsd;
  readonly left: MicroUsd;
}

export interface MonthInput {
  readonly ceiling: MicroUsd;
  /** All of the namespace. */
  readonly jobs: readonly TrainingJob[];
  /** All of the namespace but the one the room is for. */
  readonly plans: readonly TrainingPlan[];
  /** Epoch ms. The month is the calendar month of UTC. */
  readonly now: number;
}

/**
 * What a monthly ceiling leaves: the ceiling less what was spent this month and
 * less what is promised. A job that may still run is promised the rest of its
 * limit, whenever it began; an approved plan without a job its whole limit. An
 * attempt that runs over the turn of a month counts in the later one, so the
 * ceiling is kept rather too early than too late.
 */
export function monthRoom({ ceiling, jobs, plans, now }: MonthInput): MonthRoom {
  const monthStart = Date.parse(`${new Date(now).toISOString().slice(0, 7)}-01T00:00:00Z`);
  let spent = zeroMoney;
  let reserved = zeroMoney;
  for (const job of jobs) {
    spent = addMoney(spent, spentSince(job, monthStart));
    if (!isOver(job)) reserved = addMoney(reserved, promised(job));
  }
  const names = new Set(jobs.map(({ metadata }) => metadata.name));
  for (const plan of plans) {
    if (names.has(plan.metadata.name)) continue;
    const limit = promisedByPlan(plan, monthStart);
    if (plan.status?.jobRef === undefined) reserved = addMoney(reserved, limit);
    // The job was deleted and its record with it: all it could have spent counts.
    else spent = addMoney(spent, limit);
  }
  return { spent, reserved, left: maxMoney(zeroMoney, subtractMoney(ceiling, addMoney(spent, reserved))) };
}

/** Ended for good: a frozen or paused job can go on and keeps its promise. */
function isOver({ status }: TrainingJob): boolean {
  const conditions = status?.conditions;
  return (
    isTrue(conditions, 'Succeeded') ||
    isTrue(conditions, 'Failed') ||
    findCondition(conditions, 'Ready')?.reason === 'Superseded'
  );
}

function promised({ status, spec }: TrainingJob): MicroUsd {
  const limit = parseMoney(status?.cost?.limit ?? spec.run.quote.limit);
  return maxMoney(zeroMoney, subtractMoney(limit, parseMoney(status?.cost?.spent ?? '0')));
}

/** Spending has no dates, attempts have: the share of those that ended before the month is taken off. */
function spentSince({ status }: TrainingJob, monthStart: number): MicroUsd {
  const spent = parseMoney(status?.cost?.spent ?? '0');
  const attempts = status?.attempts ?? [];
  const endedBefore = (attempt: Attempt): boolean =>
    attempt.goneAt !== undefined && Date.parse(attempt.goneAt) < monthStart;
  if (attempts.every((attempt) => !endedBefore(attempt))) return spent;
  const folded = parseMoney(status?.attemptsFolded?.cost ?? '0');
  // Attempts are folded from the oldest on, so where one ended before the month, all folded ones did.
  const before = addMoney(folded, ...attempts.filter(endedBefore).map(costOf));
  const all = addMoney(folded, ...attempts.map(costOf));
  if (attempts.every(endedBefore) || all === zeroMoney) return zeroMoney;
  return subtractMoney(spent, mulRatio(spent, before, all, 'down'));
}

function costOf({ cost }: Attempt): MicroUsd {
  return parseMoney(cost ?? '0');
}

function promisedByPlan({ status }: TrainingPlan, monthStart: number): MicroUsd {
  const { approval, quote, jobRef } = status ?? {};
  if (approval?.decision !== 'Approved' || quote === undefined) return zeroMoney;
  if (jobRef !== undefined && Date.parse(approval.at) < monthStart) return zeroMoney;
  return parseMoney(quote.limit);
}
