import type { Budget, Contract, Quote, TrainingGoal, TrainingPlan } from '@kriptik/crds';
import { hashOf, rememberedFor } from '../digest.ts';
import { inputHash, workHash } from '../intent/hash.ts';
import { parseMoney } from '../money.ts';

/** Names of plans and jobs end in a dash and this many hexadecimal digits. */
const HASH_DIGITS = 8;

/**
 * Name of the plan for the goal as it is written now: the same text, data, constraints and budget give the
 * same name, so that creating it twice is impossible.
 */
export function planNameFor(goal: TrainingGoal): string {
  const hash = rememberedFor(goal, 'name', () => hashOf({ uid: goal.metadata.uid, input: inputHash(goal.spec) }));
  return `${goal.metadata.name}-${hash.slice('sha256:'.length, 'sha256:'.length + HASH_DIGITS)}`;
}

/** What was agreed to with a plan, as the plan and its job carry it. */
export interface AgreedBudget {
  readonly planName: string;
  readonly contract: Contract;
  /** Its limit may lie below the contract's: policies have ceilings. */
  readonly quote?: Quote | undefined;
  /** spec.budget.limit of the goal the plan was made for; it may lie above the contract's, when the text asked for less. */
  readonly statedLimit?: string | undefined;
}

/**
 * The budget in force for an approved plan: the approved limit, until spec.budget is edited. Above what it said when
 * the plan was made it is a raise, which admission guards, and holds as it stands. Below, it can only lower what was
 * approved: cutting a field that was never in force, because the text or a policy allowed less, raises nothing.
 */
export function effectiveBudget(goal: TrainingGoal, agreed: AgreedBudget): Budget {
  const { source: _source, ...contracted } = agreed.contract.budget;
  const approved = { ...contracted, limit: agreed.quote?.limit ?? contracted.limit };
  const stated = goal.spec.budget;
  if (stated === undefined || planNameFor(goal) === agreed.planName) return approved;
  const now = parseMoney(stated.limit, 'spec.budget.limit');
  const raised = now > parseMoney(agreed.statedLimit ?? contracted.limit);
  return {
    limit: raised || now < parseMoney(approved.limit) ? stated.limit : approved.limit,
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
