import type { TrainingPolicy, TrainingPolicyStatus } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { setCondition } from '../runtime/conditions.ts';
import { unknownNames } from './unknown.ts';

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
  const unknown = unknownNames(o.policy.spec, o.catalog);
  const generation = o.policy.metadata.generation ?? 0;
  const verdict =
    unknown === undefined
      ? { status: 'True' as const, reason: 'InForce', message: `Holds in ${held} namespaces` }
      : { status: 'False' as const, ...unknown };
  const conditions = setCondition(
    o.policy.status?.conditions ?? [],
    { type: 'Ready', ...verdict, observedGeneration: generation },
    new Date(o.now),
  );
  return { observedGeneration: generation, conditions, namespaces: held };
}
