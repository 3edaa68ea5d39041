import type { Catalog } from '../catalog/catalog.ts';
import { offersOf } from './offers.ts';
import type { ProviderOffer } from './types.ts';

/** Providers whose list prices anybody can read. */
const PUBLISHED = ['runpod', 'modal'] as const;

/**
 * The published market: what the catalog's list prices offer, as providers named after their kind. A plan priced on
 * it is the same on every machine with the same catalog.
 */
export function publishedMarket(catalog: Catalog): readonly ProviderOffer[] {
  return PUBLISHED.flatMap((type) => offersOf({ name: type, spec: { type }, ready: true }, catalog));
}
