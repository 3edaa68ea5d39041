import type { MethodName, Modality } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { methodFacts } from './methods.ts';
import type { Executor, ProviderOffer } from './types.ts';

/**
 * Why the trainer of an offer cannot train a model this way, with what would help; undefined where it can, or where
 * nobody told what it can do. The class of a model decides: a trainer for one kind of picture model is none for others.
 */
export function executorProblem(
  catalog: Catalog,
  model: ModelSpec,
  method: MethodName,
  { executors, name }: Pick<ProviderOffer, 'executors' | 'name'>,
): string | undefined {
  if (executors === undefined) return undefined;
  const { title } = methodFacts(catalog, method);
  const possible = executors.filter(({ modality, methods }) => modality === model.modality && methods.includes(method));
  if (possible.length === 0) return `the trainer on ${name} cannot do ${title} for ${model.modality} models`;
  const taking = takingClass(catalog, model, possible);
  if (taking.length === 0) return `the trainer on ${name} cannot do ${title} for ${model.title}`;
  if (taking.some(({ missing }) => missing === undefined)) return undefined;
  return `the trainer on ${name} lacks packages for ${title} of ${model.title}: run trainer/install.sh ${taking[0]?.missing ?? ''}`;
}

/** What is trained on shards by a trainer that comes with an image and tells nothing itself. */
const SHARDED: { readonly modalities: readonly Modality[]; readonly methods: readonly MethodName[] } = {
  modalities: ['llm', 'code'],
  methods: ['lora', 'full', 'dpo'],
};

/** Whether the trainer of an offer can train a model this way with a shard of it on each of several GPUs. */
export function canShard(
  catalog: Catalog,
  model: ModelSpec,
  method: MethodName,
  { executors }: Pick<ProviderOffer, 'executors'>,
): boolean {
  if (executors === undefined) {
    return SHARDED.modalities.includes(model.modality) && SHARDED.methods.includes(method);
  }
  const possible = executors.filter(
    ({ modality, methods, missing, sharded }) =>
      sharded === true && missing === undefined && modality === model.modality && methods.includes(method),
  );
  return takingClass(catalog, model, possible).length > 0;
}

function takingClass(catalog: Catalog, model: ModelSpec, executors: readonly Executor[]): readonly Executor[] {
  const loaded = classOf(catalog, model);
  return executors.filter(({ architectures }) => takes(architectures, loaded));
}

/** The class that loads a model; empty where nobody told. */
function classOf({ families }: Catalog, model: ModelSpec): string {
  return model.class ?? families.find(({ id }) => id === model.family)?.class ?? '';
}

/** Whole-string match, as the trainer does it. A pattern that is none takes nothing. */
function takes(architectures: string, loaded: string): boolean {
  try {
    return new RegExp(`^(?:${architectures})$`).test(loaded);
  } catch {
    return false;
  }
}
