import type { KubeObject } from '@kriptik/operator/runtime/types.ts';
import { FIELD_MANAGER } from './session.ts';

/** Who keeps an object in step with a file, so that a change made beside it would be undone or forgotten. */
export interface Keeper {
  /** In words: `Argo CD application helpdesk`. */
  readonly by: string;
  /** What to do instead of changing the object in the cluster. */
  readonly instead: string;
}

interface FieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly fieldsV1?: { readonly 'f:spec'?: { readonly 'f:budget'?: unknown } };
}

/** Finds out from labels, annotations and field owners whether Git or a file decides on an object's spec. */
export function keeperOf(object: KubeObject): Keeper | undefined {
  const labels = object.metadata.labels ?? {};
  const annotations = object.metadata.annotations ?? {};
  const git = 'Change the file in Git; the change is applied from there.';
  const argo = labels['argocd.argoproj.io/instance'] ?? annotations['argocd.argoproj.io/tracking-id']?.split(':')[0];
  if (argo !== undefined) return { by: `Argo CD application ${argo}`, instead: git };
  const flux = labels['kustomize.toolkit.fluxcd.io/name'] ?? labels['helm.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return { by: `Flux (${flux})`, instead: git };
  if (labels['app.kubernetes.io/managed-by'] === 'Helm') {
    return {
      by: `Helm release ${annotations['meta.helm.sh/release-name'] ?? ''}`.trim(),
      instead: "Change the chart's values and upgrade the release.",
    };
  }
  const appliers = (object.metadata.managedFields ?? []) as readonly FieldsEntry[];
  const owner = appliers.find(
    (entry) => entry.operation === 'Apply' && entry.fieldsV1?.['f:spec']?.['f:budget'] !== undefined,
  );
  if (owner !== undefined && owner.manager !== FIELD_MANAGER && owner.manager !== 'kubectl') {
    return { by: `the field manager ${owner.manager ?? 'unknown'}`, instead: git };
  }
  if (owner !== undefined || annotations['kubectl.kubernetes.io/last-applied-configuration'] !== undefined) {
    return { by: 'a file that was applied', instead: 'Change the file, so that the next apply does not undo it.' };
  }
  return undefined;
}
