import type { MicroUsd } from '../money.ts';
import type { ProviderRegistry } from '../provider/registry.ts';

const moved = new WeakMap<ProviderRegistry, Map<string, MicroUsd>>();

/**
 * For which limit, less the hold, this process last moved the provider's own deadline of an attempt; undefined where it
 * did not, or died since: what a predecessor left half done is not known, and is done again.
 */
export function hardLimitOf(registry: ProviderRegistry, attempt: string): MicroUsd | undefined {
  return moved.get(registry)?.get(attempt);
}

/** Only once the provider has taken it. */
export function noteHardLimit(registry: ProviderRegistry, attempt: string, limit: MicroUsd): void {
  const known = moved.get(registry) ?? new Map<string, MicroUsd>();
  moved.set(registry, known.set(attempt, limit));
}

export function forgetHardLimit(registry: ProviderRegistry, attempt: string): void {
  moved.get(registry)?.delete(attempt);
}
