import { type Priced, type PriceInput, priceWithHub } from '@kriptik/operator/plan/price.ts';
import type { Clock } from '@kriptik/operator/runtime/clock.ts';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { deepFreeze } from '@kriptik/operator/runtime/freeze.ts';

const known = new Map<string, Priced>();

/**
 * Prices what the runs have in common once: the same question has the same answer in each of them. It comes by a timer,
 * so that a run does not depend on the runs before it.
 */
export function rememberedPrice(clock: Clock): typeof priceWithHub {
  return async (input) => {
    const due = clock.sleep(0);
    const key = keyOf(input);
    const priced = known.get(key) ?? deepFreeze(await priceWithHub(input));
    known.set(key, priced);
    await due;
    return priced;
  };
}

/** Everything the price follows from; who asked, and in which generation, is not part of it. */
function keyOf({ plan, providers, policy, monthlyRemaining, before, now }: PriceInput): string {
  const { goalGeneration: _generation, inputHash: _hash, ...contract } = plan.spec.contract;
  const offers = providers.map(({ metadata: { name }, spec, status }) => {
    const ready = findCondition(status?.conditions, 'Ready');
    // How many run there at once is no matter of the price.
    const { limits: { maxInstances: _most, ...limits } = {}, ...rest } = spec;
    return [name, rest, limits, ready?.status, ready?.message];
  });
  const day = Math.floor(now / 86_400_000);
  return JSON.stringify([contract, plan.spec.selection, offers, policy, monthlyRemaining, before, day]);
}
