import { isStale, PRICE_DAYS } from '../catalog/age.ts';
import type { Compute } from './compute.ts';
import type { StalePrice } from './types.ts';

/** A price older than what counts as fresh; undefined for a fresh one, and for one that people declared without a date. */
export function staleness({ offer }: Compute, now: Date): StalePrice | undefined {
  const { priceAsOf, priceDated, name, gpu } = offer;
  if (!priceDated || !isStale(priceAsOf, now)) return undefined;
  return {
    asOf: priceAsOf,
    message: `The price of ${gpu} on ${name} was read on ${priceAsOf}, more than ${PRICE_DAYS} days ago: it may have moved. It is asked again before anything is rented, and a higher one goes back to approval.`,
  };
}
