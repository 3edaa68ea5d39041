import type { MethodName } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Estimate } from '../estimator/estimate.ts';
import type { PlanContext, Problem } from './candidate.ts';
import type { Compute } from './compute.ts';
import { gpusOf } from './compute.ts';
import { dataProblem } from './data/summary.ts';
import { parseDurationHours } from './duration.ts';
import { executorProblem } from './executors.ts';
import { isStated, methodFacts } from './methods.ts';
import { modelForbidden, offerForbidden } from './policy-check.ts';
import type { ProviderOffer } from './types.ts';

/** A processor is no place for a step that takes longer than this. */
const SLOWEST_CPU_STEP_SECONDS = 20;

/**
 * What speaks against a combination before anything is computed, the firmest objection first: policies, what the
 * goal itself excludes, what cannot be done there. Undefined = nothing.
 */
export function staticProblem(
  context: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
): Problem | undefined {
  const { problems } = context.memory;
  return (
    remembered(
      problems,
      `${model.id} ${method}`,
      () => modelProblem(context, model) ?? methodProblem(context, model, method),
    ) ??
    remembered(problems, compute.id, () => computeProblem(context, compute)) ??
    pairProblem(context, model, method, compute)
  );
}

function remembered(
  known: Map<string, Problem | null>,
  key: string,
  find: () => Problem | undefined,
): Problem | undefined {
  const found = known.get(key);
  if (found !== undefined) return found ?? undefined;
  const made = find();
  known.set(key, made ?? null);
  return made;
}

/** What speaks against a model whatever it is trained on. */
export function modelProblem(context: PlanContext, model: ModelSpec): Problem | undefined {
  const denial = modelForbidden(context.policy, model);
  if (denial !== undefined) return { reason: 'ForbiddenByPolicy', ...denial };
  const { licenses } = context.contract.constraints;
  if (licenses !== undefined && !licenses.includes(model.license)) {
    return { reason: 'NoSuitableModel', text: `the goal's licences do not include ${model.license}` };
  }
  return undefined;
}

/** What speaks against a compute whatever is trained on it. */
function computeProblem(context: PlanContext, compute: Compute): Problem | undefined {
  const { offer } = compute;
  const denial = offerForbidden(context.policy, offer, gpusOf(compute), context.contract.constraints.regions);
  if (denial !== undefined) return { reason: 'ForbiddenByPolicy', ...denial };
  const excluded = constraintProblem(context, compute);
  if (excluded !== undefined) return excluded;
  if (!offer.ready) {
    return { reason: 'NoProvider', text: `${offer.name} is not ready${offer.reason ? `: ${offer.reason}` : ''}` };
  }
  if (offer.gpu !== 'cpu' && compute.spec === undefined) {
    return { reason: 'NoProvider', text: `the GPU ${offer.gpu} of ${offer.name} is not in the catalog` };
  }
  return undefined;
}

/** What the goal itself excludes. */
function constraintProblem({ contract }: PlanContext, compute: Compute): Problem | undefined {
  const { offer } = compute;
  const { providers, providerNames, gpuTypes, maxGpus, regions } = contract.constraints;
  const no = (text: string): Problem => ({ reason: 'NoProvider', text });
  if (providers !== undefined && !providers.includes(offer.type)) {
    return no(`the goal asks for ${providers.join(' or ')} providers`);
  }
  if (providerNames !== undefined && !providerNames.includes(offer.name)) {
    return no(`the goal asks for the providers ${providerNames.join(', ')}`);
  }
  if (offer.gpu !== 'cpu' && maxGpus !== undefined && gpusOf(compute) > maxGpus) {
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

/** What speaks against training a model this way, wherever. */
function methodProblem({ catalog, data }: PlanContext, model: ModelSpec, method: MethodName): Problem | undefined {
  const { title, modalities } = methodFacts(catalog, method);
  const no = (text: string): Problem => ({ reason: 'UnsupportedMethod', text });
  if (!modalities.includes(model.modality)) return no(`${title} is not a method for ${model.modality} models`);
  if (!model.methods.includes(method)) return no(`${title} does not apply to ${model.title}`);
  const misfit = dataProblem(data, method);
  return misfit === undefined ? undefined : no(misfit);
}

/** What speaks against doing just this work just there. */
function pairProblem(
  { catalog, contract, hubReachable }: PlanContext,
  model: ModelSpec,
  method: MethodName,
  compute: Compute,
): Problem | undefined {
  const { offer } = compute;
  const lacking = executorProblem(catalog, model, method, offer);
  if (lacking !== undefined) return { reason: 'UnsupportedMethod', text: lacking };
  if (method === 'rlhf' && gpusOf(compute) > 1) {
    return { reason: 'UnsupportedMethod', text: `${methodFacts(catalog, method).title} runs in one process: one GPU` };
  }
  if (method === 'qlora' && offer.gpu === 'cpu' && !isStated(contract)) {
    return {
      reason: 'UnsupportedMethod',
      text: 'four bits save memory of a GPU; on a processor LoRA is the faster way',
    };
  }
  if (learnsVoice(model, method) && contract.consent === undefined && isDriven(offer)) {
    const text = 'a voice is learned only with the recorded consent of its owner: name it in spec.consent';
    return { reason: 'NoData', text };
  }
  const unreachable = weightsProblem(model, offer, hubReachable);
  return unreachable === undefined ? undefined : { reason: 'NoSuitableModel', text: unreachable };
}

/** SpeechT5 learns the voice of its recordings by any method. */
function learnsVoice({ family }: ModelSpec, method: MethodName): boolean {
  return method === 'voice-clone' || family === 'speecht5';
}

/** Where this release starts trainers; elsewhere plans are previews of list prices. */
function isDriven({ type }: ProviderOffer): boolean {
  return type === 'local' || type === 'kubernetes';
}

/** Why the weights cannot be had there. */
function weightsProblem(model: ModelSpec, offer: ProviderOffer, hubReachable: boolean): string | undefined {
  const { own, title, mirrors } = model;
  if (own?.uri.startsWith('file://') === true) {
    if (offer.type === 'local') {
      return own.here ? undefined : `the folder of ${title}, ${own.uri}, is not on this machine`;
    }
    return offer.type === 'kubernetes'
      ? undefined
      : `the folder of ${title} is not on machines of ${offer.name}: put the model on the Hub, and name it as hf://`;
  }
  // A rented machine fetches the weights itself; this one cannot.
  const fetched = hubReachable || offer.type !== 'local' || mirrors.length > 0;
  return fetched ? undefined : `${title} comes from the model Hub, which cannot be reached`;
}

/** What speaks against a combination once its memory and time are known. */
export function sizeProblem({ contract }: PlanContext, compute: Compute, figures: Estimate): Problem | undefined {
  const { memory, memoryAvailable, fitsMemory, time } = figures;
  const { offer } = compute;
  if (!fitsMemory) {
    const each = gpusOf(compute) > 1 ? ' on each GPU' : '';
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
    const text = `takes about ${hours.toFixed(1)} h, the deadline is ${contract.constraints.deadline}`;
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
