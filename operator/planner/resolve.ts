import type { Quote, Resolved } from '@kriptik/crds';
import { PLATFORM_FEE_PERCENT } from '../estimator/cost.ts';
import { formatMoney, formatUsd, microUsd, subtractMoney } from '../money.ts';
import type { Candidate, Compute, PlanContext } from './candidate.ts';
import { buildCandidate, pricePerHour } from './candidate.ts';
import type { ChosenExtent } from './extent.ts';
import type { ModelChoices } from './models.ts';
import { byPreference } from './search.ts';

/** Everything that was decided, before it is written down. */
export interface PlanDraft {
  readonly context: PlanContext;
  readonly chosen: Candidate;
  readonly extent: ChosenExtent;
  readonly computes: readonly Compute[];
  readonly methods: readonly Candidate['method'][];
  readonly models: ModelChoices;
}

const MOST_PROVIDERS = 8;

/** Writes a decision down as the API carries it. */
export function resolve(draft: PlanDraft): { readonly resolved: Resolved; readonly quote: Quote } {
  const { context, chosen } = draft;
  const { model, method, compute, lora } = chosen;
  const { offer } = compute;
  const region = regionOf(draft);
  const resolved: Resolved = {
    model: {
      id: model.id,
      title: model.title,
      ...sourceOf(model, context.hubReachable),
      parameters: model.parameters,
      license: model.license,
      family: model.family,
      contextLength: model.context,
    },
    method: { name: method, ...(lora !== undefined && { lora: { ...lora, targets: [...lora.targets] } }) },
    hyperparameters: chosen.hyperparameters,
    data: context.data.sources.map((source) => ({ ...source })),
    compute: {
      provider: offer.name,
      providerType: offer.type,
      gpu: offer.gpu,
      gpuCount: gpuCount(compute),
      nodes: 1,
      ...(region !== undefined && { region }),
      ...(offer.image !== undefined && { image: offer.image }),
    },
    providerOrder: providerOrder(draft),
    output: context.contract.output.map((output) => ({ ...output })),
  };
  return { resolved, quote: quoteOf(draft) };
}

/** Hours as the API carries them, to the second. */
export function hoursText(seconds: number): string {
  return (seconds / 3600).toFixed(4).replace(/\.?0+$/, '');
}

function sourceOf(model: Candidate['model'], hubReachable: boolean): { source: string; revision: string } {
  const [mirror] = model.mirrors;
  if (!hubReachable && mirror !== undefined) return { source: mirror, revision: mirror.split('@')[1] ?? 'fixed' };
  return { source: `hf://${model.hub}`, revision: 'main' };
}

function regionOf({ context, chosen }: PlanDraft): string | undefined {
  const wanted = context.contract.constraints.regions;
  const allowed = context.policy.regions.allowed;
  return chosen.compute.offer.regions.find(
    (region) => (wanted?.includes(region) ?? true) && (allowed?.includes(region) ?? true),
  );
}

/**
 * The chosen compute, then what else can do exactly this work (as many devices,
 * the same batch and precision), in the order it would be asked.
 */
function providerOrder({ context, chosen, computes, extent }: PlanDraft): Resolved['providerOrder'] {
  const others = computes
    .filter(({ offer, count }) => offer !== chosen.compute.offer && count === chosen.compute.count)
    .map((compute) => buildCandidate(context, chosen.model, chosen.method, compute, extent.extent))
    .filter((candidate) => candidate.problem === undefined && (candidate.fits || !chosen.fits))
    .filter((candidate) => isSameWork(candidate, chosen))
    .toSorted(byPreference);
  return [chosen, ...others].slice(0, MOST_PROVIDERS).map(({ compute }) => ({
    provider: compute.offer.name,
    gpu: compute.offer.gpu,
    gpuCount: gpuCount(compute),
    unitPricePerHour: formatMoney(pricePerHour(compute)),
  }));
}

function isSameWork({ hyperparameters: a }: Candidate, { hyperparameters: b }: Candidate): boolean {
  return (
    a.batchSize === b.batchSize &&
    a.gradientAccumulation === b.gradientAccumulation &&
    a.gradientCheckpointing === b.gradientCheckpointing &&
    a.precision === b.precision
  );
}

function quoteOf({ context, chosen, extent }: PlanDraft): Quote {
  const { time, cost } = chosen.estimate;
  const { offer } = chosen.compute;
  const message = messageOf(context, chosen, extent);
  return {
    currency: 'USD',
    unitPricePerHour: formatMoney(chosen.pricePerHour),
    priceSource: offer.priceSource.slice(0, 253),
    priceAsOf: offer.priceAsOf,
    steps: chosen.steps,
    hours: { low: hoursText(time.low), expected: hoursText(time.expected), high: hoursText(time.high) },
    compute: {
      low: formatMoney(cost.compute.low),
      expected: formatMoney(cost.compute.expected),
      high: formatMoney(cost.compute.high),
    },
    storage: formatMoney(cost.storage),
    platformFeePercent: PLATFORM_FEE_PERCENT,
    platformFee: formatMoney(cost.platformFee),
    total: {
      low: formatMoney(cost.total.low),
      expected: formatMoney(cost.total.expected),
      high: formatMoney(cost.total.high),
    },
    limit: formatMoney(context.limit),
    reserve: formatMoney(cost.reserve),
    fits: chosen.fits,
    ...(message !== undefined && { message }),
  };
}

/** What people should know about the limit before they approve; undefined when all is well. */
function messageOf(
  { limit }: PlanContext,
  chosen: Candidate,
  { planned, affordable, budget }: ChosenExtent,
): string | undefined {
  const { total, reserve } = chosen.estimate.cost;
  if (!chosen.fits) {
    const missing = subtractMoney(microUsd(total.expected + reserve), limit);
    const reach = affordable > 0 ? `near step ${affordable} of ${chosen.steps}` : 'before the first step';
    const cheaper = affordable > 0 ? ', or choose within-limit for the Budget tile' : '';
    return `The expected ${formatUsd(total.expected)} does not fit the limit of ${formatUsd(limit)}: training will freeze with a checkpoint ${reach}. Raise the budget by ${formatUsd(missing)}${cheaper}.`;
  }
  if (budget === 'within-limit' && chosen.steps < planned.steps) {
    return `Shortened from ${planned.steps} to ${chosen.steps} steps to fit the limit of ${formatUsd(limit)}; the whole run would cost about ${formatUsd(planned.estimate.cost.total.expected)}.`;
  }
  if (total.high > limit) {
    return `Expected to fit. If it runs as slowly as the slowest comparable runs it would cost ${formatUsd(total.high)}; it then freezes with a checkpoint at the limit of ${formatUsd(limit)}.`;
  }
  return undefined;
}

function gpuCount({ offer, count }: Compute): number {
  return offer.gpu === 'cpu' ? 0 : count;
}
