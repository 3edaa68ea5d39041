import type { TrainingGoal, TrainingJob } from '@kriptik/crds';
import { billedMonths, spendAt, spendIn } from '@kriptik/operator/budget/job-ledger.ts';
import { type Spend, spendOf } from '@kriptik/operator/budget/ledger.ts';
import { receiptSpend, type SpendRecords } from '@kriptik/operator/budget/receipts.ts';
import { addMoney, formatMoney, maxMoney, parseMoney, subtractMoney, zeroMoney } from '@kriptik/operator/money.ts';

export const GROUPINGS = ['goal', 'job', 'namespace', 'month'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Spend of a goal, job, namespace or month, ready to be shown or summed. Amounts are decimal US dollars. */
export interface CostRow {
  readonly namespace?: string | undefined;
  readonly goal?: string | undefined;
  readonly job?: string | undefined;
  /** "2026-11". */
  readonly month?: string | undefined;
  readonly phase?: string | undefined;
  readonly compute: string;
  readonly storage: string;
  readonly platformFee: string;
  /** The sum of the three. */
  readonly spent: string;
  readonly limit?: string | undefined;
  /** Kept back of the limit to save the work and to keep it. */
  readonly reserve?: string | undefined;
  readonly percentUsed?: number | undefined;
  readonly forecastLow?: string | undefined;
  readonly forecast?: string | undefined;
  readonly forecastHigh?: string | undefined;
}

/** The moment (epoch ms) up to which costs are computed, and the month they are limited to, if any. */
export interface Period {
  readonly now: number;
  readonly month?: string | undefined;
}

/**
 * What a job has cost up to now, or within a month. The ledger is computed to this moment; where the operator has told more,
 * as with a clock that is ahead of this one, that stands.
 */
export function jobSpend({ status }: TrainingJob, { now, month }: Period): Spend {
  if (month !== undefined) return spendIn(status ?? {}, month, now);
  const computed = spendAt(status ?? {}, now);
  const told = status?.cost;
  if (told === undefined || computed.total >= parseMoney(told.spent)) return computed;
  const [compute, storage, platformFee] = [told.compute, told.storage, told.platformFee].map((one) => parseMoney(one));
  return {
    compute: compute ?? zeroMoney,
    storage: storage ?? zeroMoney,
    platformFee: platformFee ?? zeroMoney,
    total: parseMoney(told.spent),
  };
}

function amounts(spends: readonly Spend[]): Pick<CostRow, 'compute' | 'storage' | 'platformFee' | 'spent'> {
  const sum = (of: keyof Spend): string => formatMoney(addMoney(zeroMoney, ...spends.map((spend) => spend[of])));
  return { compute: sum('compute'), storage: sum('storage'), platformFee: sum('platformFee'), spent: sum('total') };
}

function promise({ status, spec }: TrainingJob): Partial<CostRow> {
  const { limit, reserve, percentUsed, forecastLow, forecast, forecastHigh } = status?.cost ?? {};
  return { limit: limit ?? spec.run?.quote.limit, reserve, percentUsed, forecastLow, forecast, forecastHigh };
}

/** What was spent: `receipts` are those of jobs that are gone. */
export type Spent = SpendRecords;

/** Phase of what was deleted. */
const DELETED = 'Deleted';

/** One row a job, those that were deleted last. */
export function jobRows({ jobs, receipts }: Spent, period: Period): CostRow[] {
  const gone = receipts.map(({ metadata, spec }) => ({
    namespace: metadata.namespace,
    goal: spec.goalRef.name,
    job: spec.job.name,
    phase: DELETED,
    ...amounts([receiptSpend(spec, period.month)]),
  }));
  const there = jobs.map((job) => ({
    namespace: job.metadata.namespace,
    goal: job.spec.goalRef.name,
    job: job.metadata.name,
    phase: job.status?.phase ?? 'Pending',
    ...amounts([jobSpend(job, period)]),
    ...promise(job),
  }));
  return [...there, ...gone];
}

/** One row a goal, those that were deleted last. A goal's earlier jobs count towards its spend, also deleted ones. */
export function goalRows(goals: readonly TrainingGoal[], { jobs, receipts }: Spent, period: Period): CostRow[] {
  const there = goals.map((goal) => {
    const mine = jobs.filter(
      ({ metadata, spec }) => metadata.namespace === goal.metadata.namespace && spec.goalRef.uid === goal.metadata.uid,
    );
    const current = mine.find(({ metadata }) => metadata.name === goal.status?.jobRef?.name);
    return {
      namespace: goal.metadata.namespace,
      goal: goal.metadata.name,
      phase: goal.status?.phase ?? '-',
      ...amounts([
        ...mine.map((job) => jobSpend(job, period)),
        ...receipts
          .filter(({ spec }) => spec.goalRef.uid === goal.metadata.uid)
          .map(({ spec }) => receiptSpend(spec, period.month)),
      ]),
      limit: goal.status?.budget?.limit ?? goal.spec.budget?.limit,
      ...(current !== undefined && promise(current)),
    };
  });
  return [...there, ...goalsGone(goals, { jobs, receipts }, period)];
}

/** A goal may be deleted without its jobs, and theirs are billed on. */
function goalsGone(goals: readonly TrainingGoal[], { jobs, receipts }: Spent, period: Period): CostRow[] {
  const known = new Set(goals.map(({ metadata }) => metadata.uid));
  const spent = [
    ...jobs.map((job) => ({ of: job, spend: jobSpend(job, period) })),
    ...receipts.map((receipt) => ({ of: receipt, spend: receiptSpend(receipt.spec, period.month) })),
  ].filter(({ of }) => !known.has(of.spec.goalRef.uid));
  const gone = Map.groupBy(spent, ({ of }) => of.spec.goalRef.uid);
  return [...gone.values()].map((ofGoal) => ({
    namespace: ofGoal[0]?.of.metadata.namespace,
    goal: ofGoal[0]?.of.spec.goalRef.name,
    phase: DELETED,
    ...amounts(ofGoal.map(({ spend }) => spend)),
  }));
}

/** One row a namespace: what its jobs cost and what their limits still allow. */
export function namespaceRows({ jobs, receipts }: Spent, period: Period): CostRow[] {
  const names = [...new Set([...jobs, ...receipts].map(({ metadata }) => metadata.namespace))].sort();
  return names.map((namespace) => {
    const mine = jobs.filter(({ metadata }) => metadata.namespace === namespace);
    const gone = receipts.filter(({ metadata }) => metadata.namespace === namespace);
    const spends = [
      ...mine.map((job) => jobSpend(job, period)),
      ...gone.map(({ spec }) => receiptSpend(spec, period.month)),
    ];
    return { namespace, ...amounts(spends) };
  });
}

/** One row a month in which something was billed, oldest first. */
export function monthRows({ jobs, receipts }: Spent, { now, month }: Period): CostRow[] {
  const listed = receipts.flatMap(({ spec }) => spec.months.map((one) => one.month));
  const billed = [...new Set([...jobs.flatMap(({ status }) => billedMonths(status ?? {}, now)), ...listed])].sort();
  return billed
    .filter((one) => month === undefined || one === month)
    .map((one) => ({
      month: one,
      ...amounts([
        ...jobs.map((job) => spendIn(job.status ?? {}, one, now)),
        ...receipts.map(({ spec }) => receiptSpend(spec, one)),
      ]),
    }));
}

/** All rows in one. */
export function totalOf(rows: readonly CostRow[]): Pick<CostRow, 'compute' | 'storage' | 'platformFee' | 'spent'> {
  return amounts(
    rows.map((row) => {
      const [compute, storage] = [parseMoney(row.compute), parseMoney(row.storage)];
      return { ...spendOf(compute, storage), platformFee: parseMoney(row.platformFee), total: parseMoney(row.spent) };
    }),
  );
}

/** What a ceiling leaves: itself less what was spent and what open jobs may still spend; never negative. */
export function leftOf(ceiling: string, spent: string, reserved: string): string {
  const left = subtractMoney(parseMoney(ceiling), addMoney(parseMoney(spent), parseMoney(reserved)));
  return formatMoney(maxMoney(zeroMoney, left));
}
