import {
  API_VERSION,
  annotations,
  type Contract,
  labels,
  type TrainingGoal,
  type TrainingPlan,
  type TrainingPlanSpec,
} from '@kriptik/crds';
import { ownerReference } from '../runtime/owner.ts';
import type { Unstored } from '../runtime/types.ts';
import { planNameFor } from './current.ts';

/** The plan of a goal: the locked contract, nothing selected yet. */
export function planFor(goal: TrainingGoal, contract: Contract): Unstored<TrainingPlan> {
  return newPlan(goal, planNameFor(goal), { contract }, goal.metadata.annotations?.[annotations.author]);
}

/** A plan of a goal, owned by it. `author` is who wrote what it was made from. */
export function newPlan(
  goal: TrainingGoal,
  name: string,
  spec: Omit<TrainingPlanSpec, 'goalRef'>,
  author: string | undefined,
): Unstored<TrainingPlan> {
  const stated = goal.spec.budget?.limit;
  const marks = {
    ...(author === undefined ? {} : { [annotations.author]: author }),
    ...(stated === undefined ? {} : { [annotations.statedLimit]: stated }),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'TrainingPlan',
    metadata: {
      name,
      namespace: goal.metadata.namespace,
      labels: { [labels.goal]: goal.metadata.name },
      ...(Object.keys(marks).length === 0 ? {} : { annotations: marks }),
      ownerReferences: [ownerReference(goal, { controller: true })],
    },
    spec: { goalRef: { name: goal.metadata.name, uid: goal.metadata.uid }, ...spec },
  };
}
