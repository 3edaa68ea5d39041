import type { Attempt, StorageMeter, TrainingJobStatus } from '@kriptik/crds';
import { addMoney, formatMoney, type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { type BilledSpan, computeOf, type Spend, spanCost, spendOf } from './ledger.ts';
import { endOfMonth, monthsBetween, startOfMonth } from './month.ts';
import { type Meter, type MonthShare, meterAt } from './storage.ts';

/** The ledger as a job's status records it. Everything is a function of the record and a moment (epoch ms). */
export type LedgerRecord = Pick<TrainingJobStatus, 'attempts' | 'attemptsFolded' | 'storage'>;

/** An attempt as it is billed: from its create call, or from the moment it holds hardware where the provider says so. */
export function billedSpan({ unitPricePerHour, createdAt, billedFrom, queued, goneAt }: Attempt): BilledSpan {
  const waits = queued === true && billedFrom === undefined;
  return {
    unitPricePerHour: parseMoney(unitPricePerHour),
    from: waits ? undefined : Date.parse(billedFrom ?? createdAt),
    goneAt: goneAt === undefined ? undefined : Date.parse(goneAt),
  };
}

/** The meter of a status. */
export function meterOf(record: StorageMeter | undefined): Meter | undefined {
  if (record === undefined) return undefined;
  return {
    bytes: record.bytes,
    price: parseMoney(record.pricePerGiBMonth),
    since: Date.parse(record.since),
    ...(record.until !== undefined && { until: Date.parse(record.until) }),
    accrued: parseMoney(record.accrued),
    months: shares(record.months),
  };
}

/** The meter as a status holds it. */
export function meterRecord(meter: Meter): StorageMeter {
  return {
    bytes: meter.bytes,
    pricePerGiBMonth: formatMoney(meter.price),
    since: new Date(meter.since).toISOString(),
    ...(meter.until !== undefined && { until: new Date(meter.until).toISOString() }),
    accrued: formatMoney(meter.accrued),
    ...(meter.months.length > 0 && { months: records(meter.months) }),
  };
}

/** Compute of all attempts up to `at`. Before now it is exact at the turns of months, for that is how sums are kept. */
export function computeAt(
  attempts: readonly Attempt[],
  attemptsFolded: LedgerRecord['attemptsFolded'],
  at: number,
): MicroUsd {
  const later = shares(attemptsFolded?.months).filter(({ month }) => startOfMonth(month) >= at);
  const folded = subtractMoney(parseMoney(attemptsFolded?.cost ?? '0'), total(later));
  return computeOf(attempts.map(billedSpan), folded, at);
}

/**
 * Whether an attempt is more than an intention: one that was never seen may not have been created. Until it is seen it
 * counts against the budget, but is not told as spent.
 */
export function isKnownToExist({ state, instance, billedFrom }: Attempt): boolean {
  return state !== 'Creating' || instance !== undefined || billedFrom !== undefined;
}

/** What a job has cost up to `at`, as {@link computeAt}, without attempts that were never seen. */
export function spendAt(record: LedgerRecord, at: number): Spend {
  const meter = meterOf(record.storage);
  const compute = computeAt((record.attempts ?? []).filter(isKnownToExist), record.attemptsFolded, at);
  return spendOf(compute, meter === undefined ? zeroMoney : meterAt(meter, at));
}

/**
 * What a job has cost by now. A clock that is behind what is on record reckons up to there: a sum that was told never
 * becomes less, and nobody is promised money that is spent already.
 */
export function spendNow(status: LedgerRecord & Told, now: number): Spend {
  return spendAt(status, toldOrNow(status, now));
}

/** The cost that was told, and up to when. */
type Told = Pick<TrainingJobStatus, 'cost'>;

/** Epoch ms: now, or the later moment up to which the cost was told. */
export function toldOrNow({ cost }: Told, now: number): number {
  return cost === undefined ? now : Math.max(now, Date.parse(cost.asOf));
}

/**
 * What a job has cost within one month up to `now`: the difference of two running sums, so that the months add up to the
 * whole to the micro-dollar, also where an attempt runs over their turn.
 */
export function spendIn(record: LedgerRecord, month: string, now: number): Spend {
  const until = Math.min(now, endOfMonth(month));
  const start = startOfMonth(month);
  if (until <= start) return spendOf(zeroMoney, zeroMoney);
  const [after, before] = [spendAt(record, until), spendAt(record, start)];
  const part = (of: keyof Spend): MicroUsd => maxMoney(zeroMoney, subtractMoney(after[of], before[of]));
  return {
    compute: part('compute'),
    storage: part('storage'),
    platformFee: part('platformFee'),
    total: part('total'),
  };
}

/** The months a job has cost something in, oldest first. */
export function billedMonths({ attempts = [], attemptsFolded, storage }: LedgerRecord, now: number): string[] {
  const of = (from: number | undefined, to: number): string[] =>
    from === undefined ? [] : monthsBetween(from, Math.max(to, from + 1)).map(({ month }) => month);
  const spans = attempts.map(billedSpan).flatMap(({ from, goneAt }) => of(from, goneAt ?? now));
  const meter = meterOf(storage);
  const kept = meter === undefined ? [] : of(meter.since, Math.min(now, meter.until ?? now));
  const listed = [...(attemptsFolded?.months ?? []), ...(storage?.months ?? [])].map(({ month }) => month);
  return [...new Set([...listed, ...spans, ...kept])].sort();
}

/** Attempts that leave the list, added to the sum and to its months. */
export function foldSpans(
  leaving: readonly Attempt[],
  folded: TrainingJobStatus['attemptsFolded'],
): NonNullable<TrainingJobStatus['attemptsFolded']> {
  const months = new Map(shares(folded?.months).map(({ month, amount }) => [month, amount]));
  let cost = parseMoney(folded?.cost ?? '0');
  for (const span of leaving.map(billedSpan)) {
    const end = span.goneAt ?? span.from ?? 0;
    let before = zeroMoney;
    for (const { month, until } of span.from === undefined ? [] : monthsBetween(span.from, end)) {
      const sum = spanCost(span, until);
      months.set(month, addMoney(months.get(month) ?? zeroMoney, subtractMoney(sum, before)));
      before = sum;
    }
    cost = addMoney(cost, before);
  }
  const listed = records([...months].map(([month, amount]) => ({ month, amount }))).slice(-LISTED_MONTHS);
  const count = (folded?.count ?? 0) + leaving.length;
  return { count, cost: formatMoney(cost), ...(listed.length > 0 && { months: listed }) };
}

const LISTED_MONTHS = 36;

const shares = (months: StorageMeter['months']): MonthShare[] =>
  (months ?? []).map(({ month, amount }) => ({ month, amount: parseMoney(amount) }));

const records = (months: readonly MonthShare[]) =>
  months.map(({ month, amount }) => ({ month, amount: formatMoney(amount) }));

const total = (months: readonly MonthShare[]): MicroUsd => addMoney(zeroMoney, ...months.map(({ amount }) => amount));
