import type { MethodName } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { methodFacts } from './methods.ts';
import type { ProviderOffer } from './types.ts';

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
  const loaded = classOf(catalog, model);
  const taking = possible.filter(({ architectures }) => takes(architectures, loaded));
  if (taking.length === 0) return `the trainer on ${name} cannot do ${title} for ${model.title}`;
  if (taking.some(({ missing }) => missing === undefined)) return undefined;
  return `the trainer on ${name} lacks packages for ${title} of ${model.title}: run trainer/install.sh ${taking[0]?.missing ?? ''}`;
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
