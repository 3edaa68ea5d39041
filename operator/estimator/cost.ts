import type { MicroUsd } from '../money.ts';
import { addMoney, costOver, mulRatio, percentOf } from '../money.ts';

/** The platform's fee on compute and storage, in percent. */
export const PLATFORM_FEE_PERCENT = 10;

const HOURS_PER_MONTH = 730;

interface Range<T> {
  readonly low: T;
  readonly expected: T;
  readonly high: T;
}

export interface CostInput {
  /** Of all machines with all their GPUs. */
  readonly pricePerHour: MicroUsd;
  readonly seconds: Range<number>;
  /** Billed disk; zero on one's own machine. */
  readonly storageGb: number;
  readonly storagePerGbMonth: MicroUsd;
  /** Time to save, stop and verify absence: the money kept back so that a freeze still fits under the limit. */
  readonly reserveSeconds: number;
}

export interface CostEstimate {
  readonly compute: Range<MicroUsd>;
  /** Disk for the expected time, the same in all three totals. */
  readonly storage: MicroUsd;
  /** The fee on the expected cost. */
  readonly platformFee: MicroUsd;
  /** The fee on each of the three. */
  readonly fees: Range<MicroUsd>;
  /** compute + storage + fee, to the micro-dollar. */
  readonly total: Range<MicroUsd>;
  readonly reserve: MicroUsd;
}

/** Cost of a run: compute + storage + 10 % fee; every part rounds up to a micro-dollar, and nothing is a minimum. */
export function estimateCost(input: CostInput): CostEstimate {
  const compute = mapRange(input.seconds, (seconds) => costOver(input.pricePerHour, seconds * 1000));
  const storage = storageCost(input);
  const fees = mapRange(compute, (amount) => feeOn(addMoney(amount, storage)));
  return {
    compute,
    storage,
    platformFee: fees.expected,
    fees,
    total: {
      low: addMoney(compute.low, storage, fees.low),
      expected: addMoney(compute.expected, storage, fees.expected),
      high: addMoney(compute.high, storage, fees.high),
    },
    reserve: reserveFor(input.pricePerHour, input.reserveSeconds),
  };
}

/** What saving and stopping costs at a rate, fee included. */
function reserveFor(pricePerHour: MicroUsd, seconds: number): MicroUsd {
  const compute = costOver(pricePerHour, seconds * 1000);
  return addMoney(compute, feeOn(compute));
}

/** The platform fee on an amount. */
function feeOn(amount: MicroUsd): MicroUsd {
  return percentOf(amount, PLATFORM_FEE_PERCENT);
}

function storageCost({ storageGb, storagePerGbMonth, seconds }: CostInput): MicroUsd {
  const gbHours = Math.ceil(storageGb * Math.max(1, Math.ceil(seconds.expected / 3600)));
  return mulRatio(storagePerGbMonth, gbHours, HOURS_PER_MONTH);
}

function mapRange<A, B>(range: Range<A>, f: (value: A) => B): Range<B> {
  return { low: f(range.low), expected: f(range.expected), high: f(range.high) };
}
