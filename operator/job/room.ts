import type { Attempt } from '@kriptik/crds';
import { addMoney, costOver } from '../money.ts';
import { type JobMoney, moneyOf, type Priced } from './cost.ts';
import type { JobObserved } from './types.ts';

/**
 * Whether the limit leaves room for another attempt that gets somewhere: its start, and the reserve. Less would be
 * spent on loading a model and saving it unchanged.
 */
export function hasRoomToStart(o: JobObserved, { limit, spent, rate, reserve }: JobMoney): boolean {
  return addMoney(spent, reserve, costOver(rate, o.settings.assumedStartMs)) < limit;
}

/** Whether it leaves room for an attempt on this provider, at its price and with the time that it takes to go away. */
export function hasRoomOn(o: JobObserved, attempts: readonly Attempt[], provider: Priced): boolean {
  return hasRoomToStart(o, moneyOf(o, attempts, provider));
}

/** Whether any approved provider that can reach the work is cheap enough for what is left, ready now or not. */
export function hasRoomSomewhere(o: JobObserved, attempts: readonly Attempt[]): boolean {
  const reaching = o.providers.filter(({ outOfReach }) => outOfReach === undefined);
  if (reaching.length === 0) return hasRoomToStart(o, moneyOf(o, attempts));
  return reaching.some((provider) => hasRoomOn(o, attempts, provider));
}
