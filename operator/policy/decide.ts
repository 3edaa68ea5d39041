import type { TrainingPolicy, TrainingPolicyStatus } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import { setCondition } from '../runtime/conditions.ts';

export interface PolicyObserved {
  readonly now: number;
  readonly policy: TrainingPolicy;
  readonly catalog: Catalog;
  /** Labels of every namespace. */
  readonly namespaces: readonly Readonly<Record<string, string>>[];
}

/** Status of a policy: where it holds, and whether it names things nobody knows. */
export function decidePolicy(o: PolicyObserved): TrainingPolicyStatus {
  const wanted = Object.entries(o.policy.spec.namespaceSelector?.matchLabels ?? {});
  const held = o.namespaces.filter((labels) => wanted.every(([key, value]) => labels[key] === value)).length;
  const unknown = (o.policy.spec.gpus?.allowed ?? []).filter(
    (gpu) => gpu !== 'cpu' && findGpu(o.catalog, gpu) === undefined,
  );
  const generation = o.policy.metadata.generation ?? 0;
  const verdict =
    unknown.length === 0
      ? { status: 'True' as const, reason: 'InForce', message: `Holds in ${held} namespaces` }
      : {
          status: 'False' as const,
          reason: 'UnknownGpu',
          message: `spec.gpus.allowed names GPUs that the catalog does not know: ${unknown.join(', ')}; they match nothing`,
        };
  const conditions = setCondition(
    o.policy.status?.conditions ?? [],
    { type: 'Ready', ...verdict, observedGeneration: generation },
    new Date(o.now),
  );
  return { observedGeneration: generation, conditions, namespaces: held };
}
