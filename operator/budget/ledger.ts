import { addMoney, costOver, type MicroUsd, percentOf } from '../money.ts';

/** Platform fee on compute and storage, in percent. */
export const PLATFORM_FEE_PERCENT = 10;

/** The billed life of one instance. */
export interface BilledSpan {
  /** Price of the whole instance per hour. */
  readonly unitPricePerHour: MicroUsd;
  /**
   * Epoch ms at which billing began: the create call, or later where the provider bills from the moment it holds
   * hardware. Undefined while it waits in a queue: then it costs nothing.
   */
  readonly from: number | undefined;
  /** Epoch ms of its verified absence; unset while anything may still run. */
  readonly goneAt?: number | undefined;
}

export interface Spend {
  readonly compute: MicroUsd;
  readonly storage: MicroUsd;
  readonly platformFee: MicroUsd;
  readonly total: MicroUsd;
}

/** Cost of one span up to `until` (epoch ms), rounded up to a micro-dollar. Never negative, whatever the clocks say. */
export function spanCost({ unitPricePerHour, from, goneAt }: BilledSpan, until: number): MicroUsd {
  if (from === undefined) return costOver(unitPricePerHour, 0);
  return costOver(unitPricePerHour, Math.max(0, Math.min(goneAt ?? until, until) - from));
}

/** Compute of all spans up to `until` (epoch ms). Each rounds up by itself, so that folding some changes no sum. */
export function computeOf(spans: readonly BilledSpan[], folded: MicroUsd, until: number): MicroUsd {
  return addMoney(folded, ...spans.map((span) => spanCost(span, until)));
}

/** Compute and storage with the platform fee on both, which rounds up once, on the sum. */
export function spendOf(compute: MicroUsd, storage: MicroUsd): Spend {
  const platformFee = percentOf(addMoney(compute, storage), PLATFORM_FEE_PERCENT);
  return { compute, storage, platformFee, total: addMoney(compute, storage, platformFee) };
}

/** What a price really takes from the budget: itself and the fee on it, rounded up. */
export function billedRate(price: MicroUsd): MicroUsd {
  return addMoney(price, percentOf(price, PLATFORM_FEE_PERCENT));
}
