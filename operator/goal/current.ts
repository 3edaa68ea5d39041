import type { Budget, Contract, Quote, TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { hashOf, rememberedFor } from '../digest.ts';
import { inputHash, workHash } from '../intent/hash.ts';
import {
  addMoney,
  formatMoney,
  type MicroUsd,
  maxMoney,
  minMoney,
  parseMoney,
  subtractMoney,
  zeroMoney,
} from '../money.ts';
import { isTrue } from '../runtime/conditions.ts';

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
  readonly earlier?: EarlierRuns | undefined;
}

/** What other runs took from a goal's budget. */
export interface EarlierRuns {
  /** Of an amendment: what they had spent when it was proposed, by which its contract's limit is lower already. */
  readonly agreed: MicroUsd;
  /** In all. */
  readonly spent: MicroUsd;
}

/**
 * What runs before took from the budget, from what a job was told when it was made and what `others` are on record with
 * now, jobs that were deleted among them. Undefined where nothing was.
 */
export function earlierRuns(continues: TrainingJob['spec']['continues'], others: MicroUsd): EarlierRuns | undefined {
  const spent = maxMoney(parseMoney(continues?.spent ?? '0'), others);
  if (continues === undefined && spent === zeroMoney) return undefined;
  return { agreed: parseMoney(continues?.agreed ?? '0'), spent };
}

/**
 * The budget in force for an approved plan: the approved limit, until spec.budget is edited. Above what it said when
 * the plan was made it is a raise, which admission guards, and holds as it stands. Below, it can only lower what was
 * approved: cutting a field that was never in force, because the text or a policy allowed less, raises nothing.
 * The goal's budget is for all of its runs: what those before an amendment spent is gone from it.
 */
export function effectiveBudget(goal: TrainingGoal, agreed: AgreedBudget): Budget {
  const { source: _source, ...contracted } = agreed.contract.budget;
  const approved = { ...contracted, limit: agreed.quote?.limit ?? contracted.limit };
  const { earlier } = agreed;
  const stated = goal.spec.budget;
  if (earlier === undefined && (stated === undefined || planNameFor(goal) === agreed.planName)) return approved;
  const inAll = addMoney(parseMoney(contracted.limit), earlier?.agreed ?? zeroMoney);
  const now = stated === undefined ? inAll : parseMoney(stated.limit, 'spec.budget.limit');
  const raised = now > (agreed.statedLimit === undefined ? inAll : parseMoney(agreed.statedLimit));
  const left = maxMoney(zeroMoney, subtractMoney(raised ? now : minMoney(now, inAll), earlier?.spent ?? zeroMoney));
  return {
    limit: formatMoney(raised ? left : minMoney(left, parseMoney(approved.limit))),
    currency: 'USD',
    alertAt: stated?.alertAt ?? approved.alertAt,
    warnAt: stated?.warnAt ?? approved.warnAt,
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
 * approve says what limit it was made for. An approved amendment stands in the place of the plan it amends.
 */
export function currentPlan(goal: TrainingGoal, plans: readonly TrainingPlan[]): TrainingPlan | undefined {
  const own = plansOf(goal, plans);
  const work = workHash(goal.spec);
  const approved = own.filter((plan) => plan.spec.contract.inputHash === work && stands(plan));
  const amended = new Set(approved.map(({ spec }) => spec.amends?.plan.uid));
  return (
    approved.find(({ metadata }) => !amended.has(metadata.uid)) ??
    own.find((plan) => plan.metadata.name === planNameFor(goal))
  );
}

/** An amendment ends a job that runs, so it counts only once the operator itself found its approval good. */
function stands({ spec, status }: TrainingPlan): boolean {
  if (status?.approval?.decision !== 'Approved') return false;
  if (spec.amends === undefined) return true;
  return status.jobRef !== undefined || isTrue(status.conditions, 'Approved');
}
