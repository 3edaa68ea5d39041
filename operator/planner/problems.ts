import type { MethodName } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import type { Estimate } from '../estimator/estimate.ts';
import type { Compute, PlanContext, Problem } from './candidate.ts';
import { parseDurationHours } from './duration.ts';
import { METHODS } from './methods.ts';
import { modelForbidden, offerForbidden } from './policy-check.ts';

/** A processor is no place for a step that takes longer than this. */
const SLOWEST_CPU_STEP_SECONDS = 20;

/** What speaks against a combination, the firmest objection first; undefined = nothing. */
export function problemOf(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
  figures: Estimate,
): Problem | undefined {
  return (
    policyProblem(context, model, compute) ??
    constraintProblem(context, model, compute) ??
    abilityProblem(context, model, method, compute) ??
    sizeProblem(context, compute, figures)
  );
}

function policyProblem({ policy }: PlanContext, model: ModelSpec, { offer, count }: Compute): Problem | undefined {
  const denial = modelForbidden(policy, model) ?? offerForbidden(policy, offer, count);
  return denial === undefined ? undefined : { reason: 'ForbiddenByPolicy', ...denial };
}

/** What the goal itself excludes. */
function constraintProblem(
  { contract }: PlanContext,
  model: ModelSpec,
  { offer, count }: Compute,
): Problem | undefined {
  const { licenses, providers, providerNames, gpuTypes, maxGpus, regions } = contract.constraints;
  if (licenses !== undefined && !licenses.includes(model.license)) {
    return { reason: 'NoSuitableModel', text: `the goal's licences do not include ${model.license}` };
  }
  const no = (text: string): Problem => ({ reason: 'NoProvider', text });
  if (providers !== undefined && !providers.includes(offer.type)) {
    return no(`the goal asks for ${providers.join(' or ')} providers`);
  }
  if (providerNames !== undefined && !providerNames.includes(offer.name)) {
    return no(`the goal asks for the providers ${providerNames.join(', ')}`);
  }
  if (offer.gpu !== 'cpu' && maxGpus !== undefined && count > maxGpus) {
    return no(`the goal allows at most ${maxGpus} GPUs`);
  }
  if (gpuTypes !== undefined && !gpuTypes.some((type) => gpuMatches(type, offer.gpu))) {
    return no(`the goal asks for ${gpuTypes.join(' or ')}`);
  }
  if (regions !== undefined && offer.regions.length > 0 && !offer.regions.some((region) => regions.includes(region))) {
    return no(`the goal asks for the regions ${regions.join(', ')}`);
  }
  return undefined;
}

function abilityProblem(
  { catalog, hubReachable }: PlanContext,
  model: ModelSpec,
  method: MethodName,
  { offer }: Compute,
): Problem | undefined {
  const { title, modalities } = METHODS[method];
  if (!modalities.includes(model.modality)) {
    return { reason: 'UnsupportedMethod', text: `${title} is not a method for ${model.modality} models` };
  }
  if (!offer.ready) {
    return { reason: 'NoProvider', text: `${offer.name} is not ready${offer.reason ? `: ${offer.reason}` : ''}` };
  }
  if (offer.gpu !== 'cpu' && findGpu(catalog, offer.gpu) === undefined) {
    return { reason: 'NoProvider', text: `the GPU ${offer.gpu} of ${offer.name} is not in the catalog` };
  }
  const can = offer.executors;
  if (can !== undefined && !(can.modalities.includes(model.modality) && can.methods.includes(method))) {
    return {
      reason: 'UnsupportedMethod',
      text: `the trainer on ${offer.name} cannot do ${title} for ${model.modality} models`,
    };
  }
  if (offer.gpu === 'cpu' && model.shape === undefined) {
    return { reason: 'NoProvider', text: `${model.title} needs a GPU` };
  }
  if (!hubReachable && model.mirrors.length === 0) {
    return { reason: 'NoSuitableModel', text: `${model.title} comes from the model Hub, which cannot be reached` };
  }
  return undefined;
}

function sizeProblem({ contract }: PlanContext, { offer, count }: Compute, figures: Estimate): Problem | undefined {
  const { memory, memoryAvailable, fitsMemory, time } = figures;
  if (!fitsMemory) {
    const each = count > 1 ? ' on each GPU' : '';
    return {
      reason: 'DoesNotFitInMemory',
      text: `needs ${gigabytes(memory.total)} of memory${each}, ${offer.gpu} has ${gigabytes(memoryAvailable ?? 0)}`,
    };
  }
  if (offer.gpu === 'cpu' && time.secondsPerStep > SLOWEST_CPU_STEP_SECONDS) {
    const text = `about ${Math.round(time.secondsPerStep)} seconds a step on this processor: it needs a GPU`;
    return { reason: 'NoProvider', text };
  }
  const deadline = parseDurationHours(contract.constraints.deadline);
  const hours = time.expected / 3600;
  if (deadline !== undefined && hours > deadline) {
    const text = `takes about ${hours.toFixed(1)} h, the deadline is ${deadline} h`;
    return { reason: 'DeadlineTooShort', text };
  }
  return undefined;
}

/** "A100-80GB" stands for each GPU whose id has all its parts; a full id stands for itself. */
export function gpuMatches(wanted: string, gpu: string): boolean {
  const parts = gpu.toLowerCase().split('-');
  return wanted
    .toLowerCase()
    .split(/[\s_-]+/)
    .every((part) => parts.includes(part) || part === gpu.toLowerCase());
}

/** Gigabytes for people, one decimal below ten. */
export function gigabytes(bytes: number): string {
  const value = bytes / 1e9;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} GB`;
}
