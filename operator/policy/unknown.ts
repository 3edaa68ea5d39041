import type { TrainingPolicySpec } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { findGpu, findLicense } from '../catalog/lookup.ts';

/** A name in a policy that matches nothing, so that the rule does not do what its author thinks. */
export interface UnknownName {
  readonly reason: 'UnknownGpu' | 'UnknownLicense';
  readonly message: string;
}

/** The first kind of names that the catalog does not know in a policy; undefined when it knows all of them. */
export function unknownNames(spec: TrainingPolicySpec, catalog: Catalog): UnknownName | undefined {
  const gpus = (spec.gpus?.allowed ?? []).flatMap((name) => gpuProblem(name, catalog) ?? []);
  if (gpus.length > 0) {
    return {
      reason: 'UnknownGpu',
      message: `spec.gpus.allowed names GPUs that match nothing: ${gpus.join(', ')}`,
    };
  }
  for (const list of ['allowed', 'denied'] as const) {
    const unknown = (spec.licenses?.[list] ?? []).filter((name) => findLicense(catalog, name) === undefined);
    if (unknown.length > 0) {
      const effect = list === 'denied' ? 'they deny nothing' : 'they allow nothing';
      return {
        reason: 'UnknownLicense',
        message: `spec.licenses.${list} names licences that the catalog does not know: ${unknown.join(', ')}; ${effect}`,
      };
    }
  }
  return undefined;
}

/** Policies are compared with the ids of the catalog; other names of the same card are told by their id. */
function gpuProblem(name: string, catalog: Catalog): string | undefined {
  if (name === 'cpu') return undefined;
  const known = findGpu(catalog, name);
  if (known === undefined) return `${name} (not in the catalog)`;
  return known.id.toLowerCase() === name.toLowerCase() ? undefined : `${name} (write ${known.id})`;
}
