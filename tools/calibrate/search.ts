import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import type { Fitted } from '@kriptik/operator/catalog/speeds-schema.ts';
import type { Vector } from './constants.ts';
import { fittedOf, PRIORS, SHARES } from './constants.ts';
import type { Sample } from './rows.ts';
import { ratioOf } from './rows.ts';

/** Weight of keeping a constant near its prior: decides only what no row does. */
const PRIOR_WEIGHT = 0.01;
const STEPS = [0.3, 0.15, 0.07, 0.03, 0.01];
const ROUNDS = 6;

/**
 * Constants under which the predictions come nearest to the samples: coordinate
 * search on logarithms, with absolute errors (one odd report moves
 * nothing) and every source weighted by the root of its rows, so that a long
 * table does not decide alone. Deterministic.
 */
export function search(samples: readonly Sample[], catalog: Catalog, spread: Fitted['spread']): Vector {
  const counts = new Map<string, number>();
  for (const { source } of samples) counts.set(source, (counts.get(source) ?? 0) + 1);
  const weights = samples.map(({ source }) => 1 / Math.sqrt(counts.get(source) ?? 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const loss = (vector: Vector): number => {
    const fitted = fittedOf(vector, spread);
    let sum = 0;
    for (const [index, sample] of samples.entries()) {
      sum += (weights[index] ?? 0) * Math.abs(Math.log(ratioOf(sample, catalog, fitted)));
    }
    let apart = 0;
    for (const [name, prior] of Object.entries(PRIORS)) apart += Math.abs(Math.log((vector[name] ?? prior) / prior));
    return sum / total + PRIOR_WEIGHT * apart;
  };
  let best = { ...PRIORS };
  let lowest = loss(best);
  for (const step of STEPS) {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = lowest;
      for (const name of Object.keys(PRIORS)) {
        for (const factor of [1 + step, 1 / (1 + step)]) {
          const value = (best[name] ?? 1) * factor;
          if (SHARES.has(name) && value > 1) continue;
          const tried = { ...best, [name]: value };
          const found = loss(tried);
          if (found < lowest) [best, lowest] = [tried, found];
        }
      }
      if (before - lowest < 1e-4) break;
    }
  }
  return best;
}
