import { API_VERSION, annotations, finalizers, labels, type TrainingJob, type TrainingPlan } from '@kriptik/crds';
import { ownerReference } from '../runtime/owner.ts';
import type { Unstored } from '../runtime/types.ts';

/**
 * The job of an approved plan: a frozen copy of what was approved, and of an amendment what the job before it spent.
 * Undefined while the plan is not priced.
 */
export function jobFor(
  plan: TrainingPlan,
  continues?: TrainingJob['spec']['continues'],
): Unstored<TrainingJob> | undefined {
  const { resolved, quote, digest } = plan.status ?? {};
  if (resolved === undefined || quote === undefined || digest === undefined) return undefined;
  const { name } = plan.metadata;
  const stated = plan.metadata.annotations?.[annotations.statedLimit];
  return {
    apiVersion: API_VERSION,
    kind: 'TrainingJob',
    metadata: {
      name,
      namespace: plan.metadata.namespace,
      labels: { [labels.goal]: plan.spec.goalRef.name, [labels.plan]: name },
      ...(stated === undefined ? {} : { annotations: { [annotations.statedLimit]: stated } }),
      // Whatever it starts must be ended before it goes.
      finalizers: [finalizers.instances],
      ownerReferences: [ownerReference(plan, { controller: true })],
    },
    spec: {
      goalRef: plan.spec.goalRef,
      planRef: { name, uid: plan.metadata.uid, digest },
      run: { contract: plan.spec.contract, resolved, quote },
      replicas: 1,
      ...(continues && { continues }),
    },
  };
}
