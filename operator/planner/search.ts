import type { MethodName } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Candidate, Extent, PlanContext, Problem } from './candidate.ts';
import { buildCandidate } from './candidate.ts';
import { advisedGpus, cardRank } from './cards.ts';
import type { Compute } from './compute.ts';
import { staticProblem } from './problems.ts';
import type { BlockReason } from './types.ts';

/** Runs longer than this are worth more GPUs where they can be had. */
const PATIENCE_HOURS = 48;

/** A combination that cannot be chosen, with the reason. */
export interface Rejected {
  readonly model: ModelSpec;
  readonly method: MethodName;
  readonly compute: Compute;
  readonly problem: Problem;
}

export type Found = Candidate | Rejected;

/** Whether a combination can be chosen. */
export function works(found: Found | undefined): found is Candidate {
  return found !== undefined && found.problem === undefined;
}

/** One combination judged: worked out where nothing forbids it. */
export function judge(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
  extent: Extent = {},
): Found {
  const problem = staticProblem(context, model, method, compute);
  return problem === undefined
    ? buildCandidate(context, model, method, compute, extent)
    : { model, method, compute, problem };
}

/**
 * The best way to train a model: over the methods in their order of preference
 * and all computes. A method that works within the limit ends the search; else
 * the best that works at all; else the one that fails for the last reason.
 */
export function bestFor(
  context: PlanContext,
  model: ModelSpec,
  methods: readonly MethodName[],
  offers: readonly (readonly Compute[])[],
  extent: Extent = {},
): Found | undefined {
  let fallback: Found | undefined;
  for (const method of methods) {
    const best = bestCompute(context, model, method, offers, extent);
    if (best === undefined) continue;
    if (works(best) && best.fits) return best;
    if (fallback === undefined || byPreference(context, best, fallback) < 0) fallback = best;
  }
  return fallback;
}

/** The best compute for a model and a method; `offers` holds each offer's computes, fewest GPUs first. */
export function bestCompute(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  offers: readonly (readonly Compute[])[],
  extent: Extent = {},
): Found | undefined {
  const advised = advisedGpus(context.catalog, model, method, context.contract.quality);
  const isAdvised = (computes: readonly Compute[]): boolean => advised.includes(computes[0]?.offer.gpu ?? '');
  const first = better(undefined, offers.filter(isAdvised));
  // No other card goes before an advised one that works within the limit, unless its provider does.
  const rest = offers.filter((computes) => !isAdvised(computes));
  if (!works(first) || !first.fits) return better(first, rest);
  return better(
    first,
    rest.filter(([compute]) => (compute?.offer.order ?? 0) < first.compute.offer.order),
  );

  function better(best: Found | undefined, among: readonly (readonly Compute[])[]): Found | undefined {
    let found = best;
    for (const computes of among) {
      const one = fewestThatDo(context, model, method, computes, extent);
      if (one !== undefined && (found === undefined || byPreference(context, one, found) < 0)) found = one;
    }
    return found;
  }
}

/**
 * Of one offer the fewest GPUs that hold the work and end it in time: more of them cost more for the same work.
 * Several machines are looked at only where one does not do.
 */
export function fewestThatDo(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  computes: readonly Compute[],
  extent: Extent = {},
): Found | undefined {
  let best: Found | undefined;
  for (const compute of computes) {
    if (compute.nodes > 1 && works(best)) break;
    const found = judge(context, model, method, compute, extent);
    // Beyond the limit more GPUs only cost more; within it they are worth it where one would take days.
    if (works(found) && !(found.fits && isLong(found))) return found;
    if (best === undefined || byPreference(context, found, best) < 0) best = found;
  }
  return best;
}

/**
 * What can be chosen first, then what is within the limit. Of those the providers' order, the advised card, patience
 * and cost decide; beyond the limit cost decides first, for it tells how far the money reaches.
 */
export function byPreference(context: PlanContext, a: Found, b: Found): number {
  const usable = Number(!works(a)) - Number(!works(b));
  if (usable !== 0 || !works(a) || !works(b)) return usable || firmness(a) - firmness(b);
  return (
    Number(b.fits) - Number(a.fits) ||
    (a.fits ? 0 : totalOf(a) - totalOf(b)) ||
    a.compute.offer.order - b.compute.offer.order ||
    cardRank(context.catalog, a) - cardRank(context.catalog, b) ||
    Number(isLong(a)) - Number(isLong(b)) ||
    totalOf(a) - totalOf(b) ||
    a.compute.offer.name.localeCompare(b.compute.offer.name)
  );
}

/**
 * The most steps that keep the expected total and the reserve within the limit, and zero when not even one does.
 * Total cost grows nearly in proportion to the steps, so a straight line between the nearest steps that are known
 * tells where to look next; every third look halves what is left, should it bend.
 */
export function affordableSteps(context: PlanContext, candidate: Candidate): number {
  const { model, method, compute, steps } = candidate;
  const needed = ({ estimate: { cost } }: Candidate): number => cost.total.expected + cost.reserve;
  const at = (count: number): Candidate => buildCandidate(context, model, method, compute, { maxSteps: count });
  const one = at(1);
  if (!one.fits) return 0;
  let low = { steps: 1, needed: needed(one) };
  let high = { steps: steps + 1, needed: needed(candidate) };
  for (let look = 1; high.steps - low.steps > 1; look += 1) {
    const line = (context.limit - low.needed) / Math.max(1, high.needed - low.needed);
    const share = look % 3 === 0 ? 0.5 : line;
    const guess = Math.floor(low.steps + share * (high.steps - low.steps));
    const middle = Math.min(high.steps - 1, Math.max(low.steps + 1, guess));
    const tried = at(middle);
    if (tried.fits) low = { steps: middle, needed: needed(tried) };
    else high = { steps: middle, needed: needed(tried) };
  }
  return low.steps;
}

function totalOf({ estimate }: Candidate): number {
  return estimate.cost.total.expected;
}

/** Of two that fail, the one that got further says more: what nobody may change comes last. */
function firmness({ problem }: Found): number {
  const place = problem === undefined ? -1 : LATEST.indexOf(problem.reason);
  return place < 0 ? LATEST.length : place;
}

/** Problems that show up last, the last first. */
const LATEST: readonly BlockReason[] = ['TooLarge', 'DeadlineTooShort', 'DoesNotFitInMemory', 'UnsupportedMethod'];

function isLong({ estimate }: Candidate): boolean {
  return estimate.time.expected > PATIENCE_HOURS * 3600;
}
