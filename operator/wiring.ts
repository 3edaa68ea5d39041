import {
  type ComputeProvider,
  ComputeProviderResource,
  type TrainingGoal,
  TrainingGoalResource,
  type TrainingJob,
  TrainingJobResource,
  type TrainingPlan,
  TrainingPlanResource,
  type TrainingPolicy,
  TrainingPolicyResource,
  type TrainingReceipt,
  TrainingReceiptResource,
} from '@kriptik/crds';
import {
  goalConcerns,
  jobConcernsGoal,
  jobConcernsPlan,
  jobConcernsProvider,
  namespaceConcerns,
  policyConcerns,
  providerConcernsJob,
  providerConcernsPlan,
} from './concerns.ts';
import { byGoal, GOAL_INDEX, ofGoal } from './goal/of-goal.ts';
import { byLive, LIVE_INDEX } from './job/busy.ts';
import type { Clock } from './runtime/clock.ts';
import {
  Controller,
  type ControllerOptions,
  type Reconciler,
  type WatchSource,
  watchOf,
} from './runtime/controller.ts';
import { type Cache, Informer } from './runtime/informer.ts';
import type { Logger } from './runtime/log.ts';
import type { RuntimeMetrics } from './runtime/metrics.ts';
import type { KubeClient } from './runtime/rest.ts';
import type { IndexFunction } from './runtime/store.ts';
import type { KubeObject, ObjectKey, ResourceType } from './runtime/types.ts';

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** A job whose looks failed is looked at again after this long at the latest, ms: something of it may run and cost. */
const LONGEST_RETRY_MS = 30_000;

const UID_INDEX = 'uid';

type Indexes<T extends KubeObject> = Readonly<Record<string, IndexFunction<T>>>;

/** By what caches are asked besides by name and namespace: thousands of objects are not searched through at each look. */
export const INDEXES: {
  readonly plans: Indexes<TrainingPlan>;
  readonly jobs: Indexes<TrainingJob>;
  readonly receipts: Indexes<TrainingReceipt>;
} = {
  plans: { [GOAL_INDEX]: byGoal },
  jobs: {
    [UID_INDEX]: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
    [GOAL_INDEX]: byGoal,
    [LIVE_INDEX]: byLive,
  },
  receipts: { [GOAL_INDEX]: byGoal },
};

/** Caches of everything the controllers look at. */
export interface Caches {
  readonly goals: Cache<TrainingGoal>;
  readonly plans: Cache<TrainingPlan>;
  readonly jobs: Cache<TrainingJob>;
  readonly receipts: Cache<TrainingReceipt>;
  readonly policies: Cache<TrainingPolicy>;
  readonly providers: Cache<ComputeProvider>;
  readonly namespaces: Cache<KubeObject>;
}

export function createCaches(client: KubeClient, log: Logger): Caches {
  const informer = <T extends KubeObject>(type: ResourceType<T>, indexes: Indexes<T> = {}): Informer<T> =>
    new Informer<T>({ client: client.resource(type), log, indexes });
  return {
    goals: informer(TrainingGoalResource),
    plans: informer(TrainingPlanResource, INDEXES.plans),
    jobs: informer(TrainingJobResource, INDEXES.jobs),
    receipts: informer(TrainingReceiptResource, INDEXES.receipts),
    policies: informer(TrainingPolicyResource),
    providers: informer(ComputeProviderResource),
    namespaces: informer(NAMESPACES),
  };
}

/** The reconcilers by kind. */
export interface Reconcilers {
  readonly goal: Reconciler;
  readonly plan: Reconciler;
  readonly job: Reconciler & Pick<ControllerOptions, 'ownWrites'>;
  readonly policy: Reconciler;
  readonly provider: Reconciler;
}

export interface WiringOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics | undefined;
  /** Hears of attempts that began to run or ended, by the uid of their job. */
  readonly attemptChanges?: ((changed: (jobUid: string) => void) => () => void) | undefined;
}

/** Which change concerns which object: the whole flow from goal to job hangs on these few lines. */
export function createControllers(caches: Caches, reconcilers: Reconcilers, options: WiringOptions): Controller[] {
  const { goals, plans, jobs, receipts, policies, providers, namespaces } = caches;
  const { attemptChanges, ...shared } = options;
  const allPlans = watchOf(policies, () => undecided(plans), policyConcerns);
  const controller = (
    name: string,
    informer: Cache,
    reconciler: Reconciler,
    watches: WatchSource[],
    more: Pick<ControllerOptions, 'workers' | 'urgentWorkers' | 'ownWrites' | 'queue' | 'wakes'> = {},
  ): Controller => new Controller({ name, informer, reconciler, watches, workers: 4, ...shared, ...more });
  return [
    controller('goal', goals as Cache, reconcilers.goal, [
      watchOf(plans, goalOf),
      watchOf(jobs, goalOf, jobConcernsGoal),
      watchOf(receipts, goalOf),
    ]),
    controller('plan', plans as Cache, reconcilers.plan, [
      watchOf(goals, (goal) => keysOfGoal(plans, goal), goalConcerns),
      watchOf(jobs, (job) => [sibling(job, job.spec.planRef.name), ...amendmentsOf(plans, job)], jobConcernsPlan),
      watchOf(plans, (plan) => otherPlans(plans, plan)),
      // What a deleted job spent is gone from the budget of the others.
      watchOf(receipts, (receipt) => ofSameGoal(plans, receipt)),
      allPlans,
      watchOf(providers, () => undecided(plans), providerConcernsPlan),
    ]),
    controller(
      'job',
      jobs as Cache,
      reconcilers.job,
      [
        watchOf(goals, (goal) => keysOfGoal(jobs, goal), goalConcerns),
        watchOf(plans, (plan) => ofSameGoal(jobs, plan)),
        watchOf(receipts, (receipt) => ofSameGoal(jobs, receipt)),
        watchOf(providers, () => waiting(jobs), providerConcernsJob),
        // Their ceilings bind running and frozen jobs too.
        watchOf(policies, () => jobs.list().map(keyOfObject), policyConcerns),
        watchOf(
          namespaces,
          (namespace) => jobs.list({ namespace: namespace.metadata.name }).map(keyOfObject),
          namespaceConcerns,
        ),
      ],
      {
        // A look waits for a trainer, a store and the API server in turn; a slow one of them must not hold up the others,
        // and nothing a job whose money runs out.
        workers: 24,
        urgentWorkers: 4,
        ownWrites: reconcilers.job.ownWrites,
        queue: { retryQps: 100, retryBurst: 1_000, maxDelayMs: LONGEST_RETRY_MS },
        ...(attemptChanges && { wakes: (wake) => attemptChanges((uid) => jobsOfUid(jobs, uid).forEach(wake)) }),
      },
    ),
    controller(
      'policy',
      policies as Cache,
      reconcilers.policy,
      [watchOf(namespaces, () => policies.list().map(keyOfObject), namespaceConcerns)],
      { workers: 1 },
    ),
    controller(
      'provider',
      providers as Cache,
      reconcilers.provider,
      [watchOf(jobs, providersOf, jobConcernsProvider)],
      { workers: 2 },
    ),
  ];
}

type Child = TrainingPlan | TrainingJob | TrainingReceipt;

const keyOfObject = (obj: KubeObject): ObjectKey => ({ namespace: obj.metadata.namespace, name: obj.metadata.name });
const sibling = (obj: KubeObject, name: string): ObjectKey => ({ namespace: obj.metadata.namespace, name });
const goalOf = (child: Child): ObjectKey[] => [sibling(child, child.spec.goalRef.name)];

function keysOfGoal<T extends Child>(cache: Cache<T>, { metadata }: TrainingGoal): ObjectKey[] {
  return ofGoal(cache, metadata.namespace, metadata.uid).map(keyOfObject);
}

function ofSameGoal<T extends Child>(cache: Cache<T>, { metadata, spec }: Child): ObjectKey[] {
  return ofGoal(cache, metadata.namespace, spec.goalRef.uid).map(keyOfObject);
}

function otherPlans(plans: Cache<TrainingPlan>, { metadata, spec }: TrainingPlan): ObjectKey[] {
  const all = ofGoal(plans, metadata.namespace, spec.goalRef.uid);
  return all.filter((other) => other.metadata.uid !== metadata.uid).map(keyOfObject);
}

/** Plans that would replace a job. */
function amendmentsOf(plans: Cache<TrainingPlan>, job: TrainingJob): ObjectKey[] {
  return ofGoal(plans, job.metadata.namespace, job.spec.goalRef.uid)
    .filter(({ spec }) => spec.amends?.job.uid === job.metadata.uid)
    .map(keyOfObject);
}

function jobsOfUid(jobs: Cache<TrainingJob>, uid: string): ObjectKey[] {
  return jobs.byIndex(UID_INDEX, uid).map(keyOfObject);
}

/** Providers of a job's newest attempt: they count what runs there, and may not be deleted meanwhile. */
function providersOf(job: TrainingJob): ObjectKey[] {
  const newest = job.status?.attempts?.at(-1);
  return newest === undefined ? [] : [{ name: newest.provider }];
}

/** Plans whose price still follows offers and policies. */
function undecided(plans: Cache<TrainingPlan>): ObjectKey[] {
  return plans
    .list()
    .filter((plan) => plan.status?.approval === undefined)
    .map(keyOfObject);
}

/** Jobs that wait for a provider; running and settled ones do not care. */
function waiting(jobs: Cache<TrainingJob>): ObjectKey[] {
  return jobs
    .list()
    .filter((job) => (job.status?.attempts ?? []).every((attempt) => attempt.state === 'Gone'))
    .map(keyOfObject);
}
