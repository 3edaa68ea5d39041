import type { TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import { spendIn, spendNow, toldOrNow } from '../budget/job-ledger.ts';
import { monthOf, startOfMonth } from '../budget/month.ts';
import { receiptSpend, receiptsOfGone } from '../budget/receipts.ts';
import { addMoney, type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
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
  /** All of the namespace: what deleted jobs spent stays spent. */
  readonly receipts: readonly TrainingReceipt[];
  /** All of the namespace but the one the room is for. */
  readonly plans: readonly TrainingPlan[];
  /** metadata.uid of the job that the plan would replace: it gives back what it was promised. */
  readonly replaces?: string | undefined;
  /** Epoch ms. The month is the calendar month of UTC. */
  readonly now: number;
}

/**
 * What a monthly ceiling leaves: the ceiling less what was spent this month and
 * less what is promised. A job that may still run is promised the rest of its
 * limit, whenever it began; an approved plan without a job its whole limit. An
 * attempt that runs over the turn of a month is split there, to the millisecond.
 */
export function monthRoom({ ceiling, jobs, receipts, plans, replaces, now }: MonthInput): MonthRoom {
  const month = monthOf(now);
  let spent = zeroMoney;
  let reserved = zeroMoney;
  for (const job of jobs) {
    const status = job.status ?? {};
    spent = addMoney(spent, spendIn(status, month, toldOrNow(status, now)).total);
    if (!isOver(job) && job.metadata.uid !== replaces) reserved = addMoney(reserved, promised(job, now));
  }
  const gone = receiptsOfGone(receipts, jobs);
  spent = addMoney(spent, ...gone.map(({ spec }) => receiptSpend(spec, month).total));
  const names = new Set(jobs.map(({ metadata }) => metadata.name));
  const settled = new Set(gone.map(({ spec }) => spec.planRef.uid));
  for (const plan of plans) {
    if (names.has(plan.metadata.name) || settled.has(plan.metadata.uid)) continue;
    const limit = promisedByPlan(plan, startOfMonth(month));
    if (plan.status?.jobRef === undefined) reserved = addMoney(reserved, limit);
    // The job is gone and left no receipt: nobody let it go in an orderly way, so all it could have spent counts.
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
    isTrue(conditions, 'Terminated') ||
    findCondition(conditions, 'Ready')?.reason === 'Superseded'
  );
}

function promised({ status, spec }: TrainingJob, now: number): MicroUsd {
  const limit = parseMoney(status?.cost?.limit ?? spec.run.quote.limit);
  return maxMoney(zeroMoney, subtractMoney(limit, spendNow(status ?? {}, now).total));
}

function promisedByPlan({ status }: TrainingPlan, monthStart: number): MicroUsd {
  const { approval, quote, jobRef, conditions } = status ?? {};
  if (approval?.decision !== 'Approved' || quote === undefined || isTrue(conditions, 'Withdrawn')) return zeroMoney;
  if (jobRef !== undefined && Date.parse(approval.at) < monthStart) return zeroMoney;
  return parseMoney(quote.limit);
}
