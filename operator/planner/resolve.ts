import type { ComputeChoice, Hyperparameters, MethodChoice, Quote, Resolved, Stage } from '@kriptik/crds';
import { formatMoney } from '../money.ts';
import type { Candidate, PlanContext } from './candidate.ts';
import { gpusOf } from './compute.ts';
import type { Decided } from './planning.ts';
import { regionFor } from './policy-check.ts';
import { quoteOf } from './quote.ts';
import { byPreference, judge, works } from './search.ts';
import type { StageDecision } from './stages.ts';

const MOST_PROVIDERS = 8;

/** Writes a decision down as the API carries it. */
export function resolve(decided: Decided): { readonly resolved: Resolved; readonly quote: Quote } {
  const { context, decision } = decided;
  const { chosen, staged } = decision;
  const { model } = chosen;
  const resolved: Resolved = {
    model: {
      id: model.id,
      title: model.title,
      ...sourceOf(context, chosen),
      parameters: model.parameters,
      license: model.license,
      family: model.family,
      contextLength: model.context,
    },
    method: methodOf(chosen),
    hyperparameters: chosen.hyperparameters,
    ...(context.contract.constraints.evaluation !== undefined && {
      evaluation: { ...context.contract.constraints.evaluation },
    }),
    data: (staged?.deciding.context ?? context).data.sources.map((source) => ({ ...source })),
    compute: computeOf(context, chosen),
    ...(chosen.parallelism !== undefined && { parallelism: chosen.parallelism }),
    providerOrder: providerOrder(decided),
    output: context.contract.output.map((output) => ({ ...output })),
    ...(staged !== undefined && { stages: staged.stages.map(stageOf) }),
  };
  return { resolved, quote: quoteOf(context, decision) };
}

function stageOf({ recipe, context, candidate, startsFrom }: StageDecision): Stage {
  return {
    name: recipe.name,
    title: recipe.title,
    purpose: recipe.purpose,
    startsFrom,
    summary: recipe.summary,
    ...trainingOf(recipe.methods.length > 0 ? candidate : undefined),
    data: context.data.sources.map((source) => ({ ...source })),
    compute: computeOf(context, candidate),
  };
}

/** Nothing for a stage that only looks. */
function trainingOf(candidate: Candidate | undefined): { method?: MethodChoice; hyperparameters?: Hyperparameters } {
  return candidate === undefined ? {} : { method: methodOf(candidate), hyperparameters: candidate.hyperparameters };
}

function methodOf({ method, lora, options }: Candidate): MethodChoice {
  return {
    name: method,
    ...(options !== undefined && { options: { ...options } }),
    ...(lora !== undefined && { lora: { ...lora, targets: [...lora.targets] } }),
  };
}

function computeOf({ policy, contract }: PlanContext, { compute }: Candidate): ComputeChoice {
  const { offer } = compute;
  const region = regionFor(policy, contract.constraints.regions, offer);
  return {
    provider: offer.name,
    providerType: offer.type,
    gpu: offer.gpu,
    gpuCount: gpuCount(compute),
    nodes: compute.nodes,
    ...(region !== undefined && { region }),
    ...(offer.image !== undefined && { image: offer.image }),
  };
}

/**
 * Where the weights come from. This machine takes packaged ones where it cannot reach the Hub; a rented machine
 * reaches it. A commit that the Hub told, or else the catalog knows, pins them.
 */
function sourceOf(
  { hubReachable, modelFacts }: PlanContext,
  { model, compute }: Candidate,
): { source: string; revision: string } {
  if (model.own !== undefined) return { source: model.own.uri, revision: model.own.revision };
  const [mirror] = model.mirrors;
  if (!hubReachable && compute.offer.type === 'local' && mirror !== undefined) {
    return { source: mirror, revision: mirror.split('@')[1] ?? 'fixed' };
  }
  const facts = modelFacts.find(({ hub }) => hub.toLowerCase() === model.hub.toLowerCase());
  return { source: `hf://${model.hub}`, revision: facts?.revision ?? model.revision };
}

/**
 * The chosen compute, then what else can do exactly this work (as many devices,
 * the same batch and precision), in the order it would be asked.
 */
function providerOrder({ context, choices, decision }: Decided): Resolved['providerOrder'] {
  const { chosen, extent } = decision;
  const { compute } = chosen;
  const others = choices.offers
    .flat()
    .filter(({ offer, count, nodes }) => offer !== compute.offer && count === compute.count && nodes === compute.nodes)
    .filter(({ offer }) => decision.staged === undefined || offer.stages === true)
    .map((other) => judge(context, chosen.model, chosen.method, other, extent.extent))
    .filter(works)
    .filter((candidate) => (candidate.fits || !chosen.fits) && isSameWork(candidate, chosen))
    .toSorted((a, b) => byPreference(context, a, b));
  return [chosen, ...others].slice(0, MOST_PROVIDERS).map((one) => ({
    provider: one.compute.offer.name,
    gpu: one.compute.offer.gpu,
    gpuCount: gpuCount(one.compute),
    unitPricePerHour: formatMoney(one.compute.pricePerHour),
    ...(one.compute.offer.image !== undefined && { image: one.compute.offer.image }),
  }));
}

function isSameWork(one: Candidate, other: Candidate): boolean {
  const { hyperparameters: a } = one;
  const { hyperparameters: b } = other;
  return (
    one.parallelism === other.parallelism &&
    a.batchSize === b.batchSize &&
    a.gradientAccumulation === b.gradientAccumulation &&
    a.gradientCheckpointing === b.gradientCheckpointing &&
    a.offloadOptimizer === b.offloadOptimizer &&
    a.precision === b.precision
  );
}

function gpuCount(compute: Candidate['compute']): number {
  return compute.offer.gpu === 'cpu' ? 0 : gpusOf(compute);
}
