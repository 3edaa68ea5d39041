import { addMoney, type MicroUsd, microUsd, mulRatio, subtractMoney, zeroMoney } from '../money.ts';
import { billedRate } from './ledger.ts';
import { monthsBetween, startOfMonth } from './month.ts';

/** An amount of one calendar month. */
export interface MonthShare {
  /** "2026-11". */
  readonly month: string;
  readonly amount: MicroUsd;
}

/**
 * What a job's store keeps, and what that has cost. Between two changes the cost is computed, not written: at rest
 * there is nothing to write.
 */
export interface Meter {
  readonly bytes: number;
  /** Of one GiB for 30 days. */
  readonly price: MicroUsd;
  /** Epoch ms at which this size and price began to count. */
  readonly since: number;
  /** Epoch ms at which the money for it is used up; the meter stops there. */
  readonly until?: number | undefined;
  /** Cost up to `since`, without fee. */
  readonly accrued: MicroUsd;
  /** `accrued` by month, oldest first. */
  readonly months: readonly MonthShare[];
}

const GIB = 1_073_741_824n;
const MS_PER_MONTH = 2_592_000_000n;
const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;

/** Months listed; what is older stays in the sum. */
const LISTED_MONTHS = 36;

/** Cost of keeping so many bytes for so many ms, rounded up to a micro-dollar. */
export function storageCost(bytes: number, pricePerGiBMonth: MicroUsd, milliseconds: number): MicroUsd {
  const time = BigInt(Math.max(0, Math.ceil(milliseconds)));
  return mulRatio(pricePerGiBMonth, BigInt(bytes) * time, GIB * MS_PER_MONTH);
}

/** Storage an hour, rounded up, without fee. */
export function storagePerHour(bytes: number, pricePerGiBMonth: MicroUsd): MicroUsd {
  return storageCost(bytes, pricePerGiBMonth, MS_PER_HOUR);
}

/** All that storage has cost up to `at` (epoch ms), without fee. Before `since` it is known by whole months only. */
export function meterAt(meter: Meter, at: number): MicroUsd {
  const end = Math.min(at, meter.until ?? at);
  if (end >= meter.since) return addMoney(meter.accrued, storageCost(meter.bytes, meter.price, end - meter.since));
  if (at >= meter.since) return meter.accrued;
  const later = meter.months.filter(({ month }) => startOfMonth(month) >= at).map(({ amount }) => amount);
  return subtractMoney(meter.accrued, addMoney(zeroMoney, ...later));
}

/**
 * The same meter with everything up to `at` added up, each part in its month. A part is the difference of two running
 * sums, so that the parts of a period add up to its cost exactly. A clock that went back folds nothing.
 */
export function foldMeter(meter: Meter, at: number): Meter {
  const months = new Map(meter.months.map(({ month, amount }) => [month, amount]));
  let before = meter.accrued;
  for (const { month, until } of monthsBetween(meter.since, at)) {
    const sum = meterAt(meter, until);
    if (sum > before) months.set(month, addMoney(months.get(month) ?? zeroMoney, subtractMoney(sum, before)));
    before = sum;
  }
  const listed = [...months].map(([month, amount]) => ({ month, amount })).slice(-LISTED_MONTHS);
  return { ...meter, since: Math.max(meter.since, at), accrued: before, months: listed };
}

/** What is metered from a moment on. */
export interface Reading {
  readonly bytes: number;
  readonly price: MicroUsd;
  /** Money, fee included, that may still go to storage while nothing runs; undefined while an instance runs. */
  readonly left?: ((accrued: MicroUsd) => MicroUsd) | undefined;
}

/**
 * The meter after a look at `now`: itself where nothing changed, else a new stretch. For the time since the last look the
 * larger of both sizes counts, since nobody saw when it grew; but at rest never for more than there was money for.
 */
export function readMeter(meter: Meter | undefined, { bytes, price, left }: Reading, now: number): Meter | undefined {
  if (meter === undefined) {
    if (bytes === 0 || price === 0) return undefined;
    return bounded({ bytes, price, since: now, accrued: zeroMoney, months: [] }, left);
  }
  const same = meter.bytes === bytes && meter.price === price;
  if (same && bounded(meter, left).until === meter.until) return meter;
  return bounded({ ...(grown(meter, bytes, left, now) ?? foldMeter(meter, now)), bytes, price }, left);
}

/** The past at a larger size; undefined where that adds nothing to what it cost at the size that was known. */
function grown(meter: Meter, bytes: number, left: Reading['left'], now: number): Meter | undefined {
  if (bytes <= meter.bytes) return undefined;
  const known = { ...meter, bytes };
  const larger = foldMeter(left === undefined ? known : bounded(known, left), now);
  return larger.accrued > foldMeter(meter, now).accrued ? larger : undefined;
}

function bounded(meter: Meter, left: Reading['left']): Meter {
  const { until: _before, ...open } = meter;
  if (left === undefined) return open;
  const money = left(meter.accrued);
  const ms = millisecondsOf(money, meter.bytes, meter.price);
  return ms === undefined ? open : { ...open, until: meter.since + ms };
}

/** How long an amount, fee included, keeps so many bytes, rounded down; undefined for ever. */
export function millisecondsOf(amount: MicroUsd, bytes: number, price: MicroUsd): number | undefined {
  const perMonth = BigInt(billedRate(price)) * BigInt(bytes);
  if (perMonth === 0n) return undefined;
  const ms = (BigInt(Math.max(0, amount)) * GIB * MS_PER_MONTH) / perMonth;
  return ms > BigInt(MS_PER_DAY) * 36_500n ? undefined : Number(ms);
}

/** A frozen job's work is kept for this long out of its own budget. */
export const HOLD_DAYS = 14;

/** The hold never takes more of a limit than this, in percent. */
const HOLD_PERCENT = 5;

/** Money kept back so that the work can be kept for {@link HOLD_DAYS} after a freeze, fee included. */
export function holdFor(bytes: number, price: MicroUsd, limit: MicroUsd): MicroUsd {
  const wanted = billedRate(storageCost(bytes, price, HOLD_DAYS * MS_PER_DAY));
  return microUsd(Math.min(wanted, mulRatio(limit, HOLD_PERCENT, 100, 'down')));
}
