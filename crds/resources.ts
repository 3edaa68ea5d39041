import type { ObjectMeta } from './metadata.ts';
import type { ComputeProvider } from './types/computeprovider.ts';
import type { TrainingGoal } from './types/traininggoal.ts';
import type { TrainingJob } from './types/trainingjob.ts';
import type { TrainingPlan } from './types/trainingplan.ts';
import type { TrainingPolicy } from './types/trainingpolicy.ts';
import type { TrainingReceipt } from './types/trainingreceipt.ts';

export const GROUP = 'training.kriptik.ai';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}` as const;

/** One served resource. `T` is the shape of its objects; it exists for the type checker only. */
export interface ResourceType<T extends { metadata: ObjectMeta } = { metadata: ObjectMeta }> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly objectType?: T;
}

export const TrainingGoalResource: ResourceType<TrainingGoal> = {
  group: GROUP,
  version: VERSION,
  plural: 'traininggoals',
  kind: 'TrainingGoal',
  namespaced: true,
};

export const TrainingPlanResource: ResourceType<TrainingPlan> = {
  group: GROUP,
  version: VERSION,
  plural: 'trainingplans',
  kind: 'TrainingPlan',
  namespaced: true,
};

export const TrainingJobResource: ResourceType<TrainingJob> = {
  group: GROUP,
  version: VERSION,
  plural: 'trainingjobs',
  kind: 'TrainingJob',
  namespaced: true,
};

export const TrainingPolicyResource: ResourceType<TrainingPolicy> = {
  group: GROUP,
  version: VERSION,
  plural: 'trainingpolicies',
  kind: 'TrainingPolicy',
  namespaced: false,
};

export const ComputeProviderResource: ResourceType<ComputeProvider> = {
  group: GROUP,
  version: VERSION,
  plural: 'computeproviders',
  kind: 'ComputeProvider',
  namespaced: false,
};

export const TrainingReceiptResource: ResourceType<TrainingReceipt> = {
  group: GROUP,
  version: VERSION,
  plural: 'trainingreceipts',
  kind: 'TrainingReceipt',
  namespaced: true,
};

/** Labels on everything that serves a goal. */
export const labels = {
  goal: `${GROUP}/goal`,
  plan: `${GROUP}/plan`,
  job: `${GROUP}/job`,
} as const;

export const annotations = {
  /** User who wrote the goal's spec last; stamped at admission, copied to the plan by the operator. */
  author: `${GROUP}/author`,
  /** On plans and jobs: spec.budget.limit of the goal when the plan was made. More than this is a raise. */
  statedLimit: `${GROUP}/stated-limit`,
  /** On jobs being deleted, by people: name of the attempt that need not be verified to be gone any more. */
  letGo: `${GROUP}/let-go`,
} as const;

export const finalizers = {
  /** On jobs: an instance may still exist. */
  instances: `${GROUP}/instances`,
} as const;

/** Verbs of our own that RBAC grants and the admission policies ask for. */
export const verbs = {
  /** On trainingplans: decide on a plan. */
  approve: 'approve',
  /** On {@link budgetResource}: raise, set or remove the budget of an existing goal. */
  raise: 'raise',
  /** On trainingjobs: let a deleted one go although its instance may still run and be billed. */
  abandon: 'abandon',
  /** On each of our resources: write status, and create plans and jobs. The operator has it. */
  operate: 'operate',
} as const;

/** Made-up resource that `raise` is granted on; its name is that of the goal. */
export const budgetResource = 'trainingbudgets';
