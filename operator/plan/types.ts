import type { TrainingGoal, TrainingJob, TrainingPlan, TrainingPlanStatus } from '@kriptik/crds';
import type { SpendRecords } from '../budget/receipts.ts';
import type { MicroUsd } from '../money.ts';
import type { EffectivePolicy, PlanResult } from '../planner/types.ts';
import type { Unstored } from '../runtime/types.ts';
import type { Verification } from './price.ts';

/** What a decision about a plan rests on. */
export interface PlanObserved {
  readonly now: number;
  readonly plan: TrainingPlan;
  readonly goal: TrainingGoal | undefined;
  /** Plans of the same goal. */
  readonly plans: readonly TrainingPlan[];
  readonly job: TrainingJob | undefined;
  /** Of an amendment: the job that it would replace. */
  readonly amended?: TrainingJob | undefined;
  /** What runs of the goal spent, deleted ones among them. */
  readonly records: SpendRecords;
  /** What the planner proposes as things stand; only looked at while nothing is decided. */
  readonly proposal: PlanResult | undefined;
  /** Whether the Hub confirmed the facts behind the proposal; absent where there is none. */
  readonly facts?: Verification | undefined;
  readonly policy: EffectivePolicy;
  /** What the month's ceiling leaves for this plan; undefined where none holds. */
  readonly monthlyRemaining?: MicroUsd | undefined;
  /** Name under which the operator itself approves where a policy lets it. */
  readonly operatorUser: string;
}

/** What is written on the plan, and what is made because of it. */
export interface PlanDecision {
  readonly status: TrainingPlanStatus;
  readonly action?:
    | { readonly type: 'CreateJob'; readonly job: Unstored<TrainingJob> }
    | { readonly type: 'ProposeAmendment'; readonly plan: Unstored<TrainingPlan> };
}

type Phase = NonNullable<TrainingPlanStatus['phase']>;

/** Where a plan stands, and why. */
export interface Verdict {
  readonly phase: Phase;
  readonly reason: string;
  readonly message: string;
}
