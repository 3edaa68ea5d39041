import { addMoney, costOver, type MicroUsd, maxMoney, millisecondsFor, subtractMoney, zeroMoney } from '../money.ts';

/** How long the steps of a freeze take, in ms; the worst value seen of each, or a cautious default. */
export interface FreezeTimings {
  readonly checkpointMs: number;
  readonly stepMs: number;
  /** From the stop of the trainer to the verified absence of its instance. */
  readonly teardownMs: number;
  /** Between two looks of the operator. */
  readonly detectionMs: number;
}

/** The kill by the provider comes this long before the money ends, for the kill itself takes time. */
const KILL_LATENCY_MS = 2_000;

/** A checkpoint may take half as long again as the worst one seen: the store may be slower next time. */
const CHECKPOINT_SAFETY = 1.5;

/** Time from the decision to freeze until nothing runs any more, in ms. */
export function freezeDuration(timings: FreezeTimings): number {
  return Math.ceil(
    timings.checkpointMs * CHECKPOINT_SAFETY + 2 * timings.stepMs + teardown(timings) + timings.detectionMs,
  );
}

/** Money that must be left to freeze in an orderly way at `rate` (per hour, fee included). */
export function reserveFor(rate: MicroUsd, timings: FreezeTimings): MicroUsd {
  return costOver(rate, freezeDuration(timings));
}

/** No run is foretold beyond ten years, in ms: no clock and no cluster reckons with every later moment. */
const FARTHEST_MS = 10 * 365 * 86_400_000;

/**
 * Epoch ms at which spending reaches the limit if the instance keeps running, ten years from now at the latest; infinite
 * where it costs nothing.
 */
export function exhaustionTime(limit: MicroUsd, spent: MicroUsd, rate: MicroUsd, now: number): number {
  const left = millisecondsFor(maxMoney(zeroMoney, subtractMoney(limit, spent)), rate);
  return now + (Number.isFinite(left) ? Math.min(left, FARTHEST_MS) : left);
}

export interface Deadlines {
  /** Until then the trainer must have saved and exited, by itself if nobody tells it. Epoch ms. */
  readonly trainer: number;
  /** Then the provider ends the instance, whatever happens. Epoch ms. */
  readonly hard: number;
}

/**
 * The two lines behind the operator's own: the trainer's deadline and the provider's. Both hold with
 * the operator dead. An unpriced instance (rate 0) has none and gets undefined.
 */
export function deadlinesFor(
  limit: MicroUsd,
  spent: MicroUsd,
  rate: MicroUsd,
  now: number,
  timings: FreezeTimings,
): Deadlines | undefined {
  const end = exhaustionTime(limit, spent, rate, now);
  if (!Number.isFinite(end)) return undefined;
  return { trainer: Math.max(now, end - teardown(timings)), hard: Math.max(now, end - KILL_LATENCY_MS) };
}

/** However fast an end was seen to be: the trainer's line must never lie behind the provider's. */
function teardown({ teardownMs }: FreezeTimings): number {
  return Math.max(teardownMs, KILL_LATENCY_MS);
}

export type BudgetLevel = 'Ok' | 'Alert' | 'Warning' | 'Freeze';

/**
 * How near the limit is. Freeze comes first: a small budget may have to freeze below the alert line,
 * because the reserve is then a large part of it. `alertAt` and `warnAt` are percent of the limit.
 */
export function budgetLevel(
  spent: MicroUsd,
  reserve: MicroUsd,
  limit: MicroUsd,
  alertAt: number,
  warnAt: number,
): BudgetLevel {
  if (addMoney(spent, reserve) >= limit) return 'Freeze';
  const percent = percentUsed(spent, limit);
  if (percent >= warnAt) return 'Warning';
  return percent >= alertAt ? 'Alert' : 'Ok';
}

/** Whole percent of the limit that is spent, rounded down; 100 for a limit of nothing. */
export function percentUsed(spent: MicroUsd, limit: MicroUsd): number {
  return limit <= 0 ? 100 : Number((BigInt(spent) * 100n) / BigInt(limit));
}
