import type { Budget, TrainingGoal, TrainingPlan } from '@kriptik/crds';
import { hashOf } from '../digest.ts';
import { inputHash, workHash } from '../intent/hash.ts';

/** Names of plans and jobs end in a dash and this many hexadecimal digits. */
const HASH_DIGITS = 8;

/**
 * Name of the plan for the goal as it is written now: the same text, data, constraints and budget give the
 * same name, so that creating it twice is impossible.
 */
export function planNameFor(goal: TrainingGoal): string {
  const hash = hashOf({ uid: goal.metadata.uid, input: inputHash(goal.spec) });
  return `${goal.metadata.name}-${hash.slice('sha256:'.length, 'sha256:'.length + HASH_DIGITS)}`;
}

/**
 * The budget in force for an approved plan. Unless the goal was edited since, it is the approved one (which
 * may be lower than the spec's, because the text asked for less). After an edit the spec's limit decides:
 * raising it is guarded at admission.
 */
export function effectiveBudget(goal: TrainingGoal, planName: string, approved: Budget): Budget {
  const stated = goal.spec.budget;
  if (stated === undefined || planNameFor(goal) === planName) return approved;
  return {
    limit: stated.limit,
    currency: 'USD',
    alertAt: stated.alertAt ?? approved.alertAt,
    warnAt: stated.warnAt ?? approved.warnAt,
  };
}

/** Plans of a goal, newest first; a goal of the same name that was deleted is another goal. */
export function plansOf(goal: TrainingGoal, plans: readonly TrainingPlan[]): TrainingPlan[] {
  return plans
    .filter((plan) => plan.spec.goalRef.uid === goal.metadata.uid && plan.metadata.deletionTimestamp === undefined)
    .sort((a, b) => b.spec.contract.goalGeneration - a.spec.contract.goalGeneration);
}

/**
 * The plan that stands for the goal as it is written now. Once a plan was approved, a change of the budget
 * alone is a raise or a cut and keeps it; before that it makes a new plan, because the price people would
 * approve says what limit it was made for.
 */
export function currentPlan(goal: TrainingGoal, plans: readonly TrainingPlan[]): TrainingPlan | undefined {
  const own = plansOf(goal, plans);
  const work = workHash(goal.spec);
  const approved = own.find(
    (plan) => plan.spec.contract.inputHash === work && plan.status?.approval?.decision === 'Approved',
  );
  return approved ?? own.find((plan) => plan.metadata.name === planNameFor(goal));
}
