import { addMoney, costOver, type MicroUsd, percentOf } from '../money.ts';

/** Platform fee on compute and storage, in percent. */
export const PLATFORM_FEE_PERCENT = 10;

/** The billed life of one instance. Billing runs from the create call until its absence was verified. */
export interface BilledSpan {
  /** Price of the whole instance per hour. */
  readonly unitPricePerHour: MicroUsd;
  /** Epoch ms; recorded before the provider is called. */
  readonly createdAt: number;
  /** Epoch ms; unset while anything may still run. */
  readonly goneAt?: number | undefined;
}

export interface Spend {
  readonly compute: MicroUsd;
  readonly storage: MicroUsd;
  readonly platformFee: MicroUsd;
  readonly total: MicroUsd;
}

/** Cost of one span up to `now` (epoch ms), rounded up to a micro-dollar. */
export function spanCost(span: BilledSpan, now: number): MicroUsd {
  return costOver(span.unitPricePerHour, Math.max(0, (span.goneAt ?? now) - span.createdAt));
}

/**
 * What a job has cost until `now`: compute of every span, what earlier, folded spans cost,
 * storage, and the platform fee on both.
 */
export function spendOf(spans: readonly BilledSpan[], folded: MicroUsd, storage: MicroUsd, now: number): Spend {
  const compute = addMoney(folded, ...spans.map((span) => spanCost(span, now)));
  const platformFee = percentOf(addMoney(compute, storage), PLATFORM_FEE_PERCENT);
  return { compute, storage, platformFee, total: addMoney(compute, storage, platformFee) };
}

/** What an hour of this instance really takes from the budget: its price and the fee on it. */
export function billedRate(unitPricePerHour: MicroUsd): MicroUsd {
  return addMoney(unitPricePerHour, percentOf(unitPricePerHour, PLATFORM_FEE_PERCENT));
}
