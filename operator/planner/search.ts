import type { MethodName } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Candidate, Compute, Extent, PlanContext } from './candidate.ts';
import { buildCandidate } from './candidate.ts';

/** Runs longer than a day are worth more GPUs where they can be had. */
const PATIENCE_HOURS = 24;

/**
 * The best way to train a model: over the methods in their order of preference
 * and all computes. A method that works within the limit ends the search; else
 * the best that works at all; else the one that fails for the last reason.
 */
export function bestFor(
  context: PlanContext,
  model: ModelSpec,
  methods: readonly MethodName[],
  computes: readonly Compute[],
  extent: Extent = {},
): Candidate | undefined {
  let fallback: Candidate | undefined;
  for (const method of methods) {
    const best = bestCompute(context, model, method, computes, extent);
    if (best === undefined) continue;
    if (best.problem === undefined && best.fits) return best;
    if (fallback === undefined || preferable(best, fallback)) fallback = best;
  }
  return fallback;
}

/** The best compute for a model and a method. */
export function bestCompute(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  computes: readonly Compute[],
  extent: Extent = {},
): Candidate | undefined {
  return computes.map((compute) => buildCandidate(context, model, method, compute, extent)).toSorted(byPreference)[0];
}

/** What can be chosen first; then within the limit, within a day, by the providers' order, by cost. */
export function byPreference(a: Candidate, b: Candidate): number {
  return (
    Number(a.problem !== undefined) - Number(b.problem !== undefined) ||
    Number(b.fits) - Number(a.fits) ||
    Number(isLong(a)) - Number(isLong(b)) ||
    a.compute.offer.order - b.compute.offer.order ||
    a.estimate.cost.total.expected - b.estimate.cost.total.expected ||
    a.compute.offer.name.localeCompare(b.compute.offer.name)
  );
}

/**
 * The most steps that keep the expected total and the reserve within the limit,
 * and zero when not even one does. Total cost grows with the steps, so halving finds it.
 */
export function affordableSteps(context: PlanContext, { model, method, compute, steps }: Candidate): number {
  let low = 0;
  let high = steps;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (buildCandidate(context, model, method, compute, { maxSteps: middle }).fits) low = middle;
    else high = middle - 1;
  }
  return low;
}

function preferable(a: Candidate, b: Candidate): boolean {
  return byPreference(a, b) < 0;
}

function isLong(candidate: Candidate): boolean {
  return candidate.estimate.time.expected > PATIENCE_HOURS * 3600;
}
