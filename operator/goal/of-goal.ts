import type { TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import type { Cache } from '../runtime/informer.ts';
import type { IndexFunction } from '../runtime/store.ts';

/** What belongs to one goal. */
type Child = TrainingPlan | TrainingJob | TrainingReceipt;

/** Name of the index of plans, jobs and receipts by the goal that they belong to. */
export const GOAL_INDEX = 'goal';

/** Within one namespace: what names a goal of another one is none of its. */
const goalKey = (namespace: string | undefined, goalUid: string | undefined): string =>
  `${namespace ?? ''}/${goalUid ?? ''}`;

export const byGoal: IndexFunction<Child> = ({ metadata, spec }) => [goalKey(metadata.namespace, spec.goalRef.uid)];

/**
 * Those of a cache that belong to a goal, by its uid: a goal of the same name that was deleted is another one. Found by an
 * index, for every look at a job asks, and a namespace may hold thousands.
 */
export function ofGoal<T extends Child>(
  cache: Pick<Cache<T>, 'byIndex'>,
  namespace: string | undefined,
  goalUid: string | undefined,
): T[] {
  return cache.byIndex(GOAL_INDEX, goalKey(namespace, goalUid));
}
