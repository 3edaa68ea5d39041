import type { ComputeProvider } from '@kriptik/crds';
import type { StorePlace } from './types.ts';

/**
 * Why an attempt on `candidate` could not reach a job's store, in words for people; undefined when it can. An S3 store
 * is reached from everywhere; a volume claim only from pods of its cluster and namespace; a folder only on its machine.
 */
export function outOfReach(
  store: StorePlace,
  keeper: ComputeProvider | undefined,
  candidate: ComputeProvider,
): string | undefined {
  const { name } = candidate.metadata;
  if (name === store.provider || store.uri.startsWith('s3://')) return undefined;
  if (store.uri.startsWith('pvc://') && keeper !== undefined && sameVolumes(keeper, candidate)) return undefined;
  const kind = store.uri.startsWith('pvc://') ? 'a volume claim' : 'a folder';
  return `its work lies in ${kind} of ${store.provider} (${store.uri}), which ${name} cannot reach`;
}

function sameVolumes(a: ComputeProvider, b: ComputeProvider): boolean {
  if (a.spec.type !== 'kubernetes' || b.spec.type !== 'kubernetes') return false;
  const cluster = ({ spec }: ComputeProvider): string => spec.credentialsRef?.name ?? '';
  return cluster(a) === cluster(b) && a.spec.kubernetes?.namespace === b.spec.kubernetes?.namespace;
}
