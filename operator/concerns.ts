import type { ComputeProvider, Condition, TrainingGoal, TrainingJob, TrainingPolicy } from '@kriptik/crds';
import { findCondition } from './runtime/conditions.ts';
import { sameJson } from './runtime/json.ts';
import type { KubeObject } from './runtime/types.ts';

/** Whether an update of an object concerns those who look at it from outside. */
type Concerns<T> = (before: T, after: T) => boolean;

const differIn =
  <T>(read: (obj: T) => unknown): Concerns<T> =>
  (before, after) =>
    !sameJson(read(before), read(after));

/** What people wrote: a change of the spec moves the generation. */
const written = ({ metadata }: KubeObject): unknown => {
  const { generation, deletionTimestamp, labels, annotations } = metadata;
  return { generation, deletionTimestamp, labels, annotations };
};

const verdicts = (conditions: readonly Condition[] | undefined): unknown =>
  (conditions ?? []).map(({ type, status, reason }) => [type, status, reason]);

/** A goal's status follows from its plans and jobs; they look at what it asks for, and at what reading it took. */
export const goalConcerns = differIn<TrainingGoal>((goal) => [written(goal), goal.status?.intent?.parsing]);

/** A goal shows where its job stands, and its spending by whole percents while it runs. */
export const jobConcernsGoal = differIn<TrainingJob>((job) => {
  const { conditions = [], cost, attempts = [] } = job.status ?? {};
  const told = conditions.map(({ lastTransitionTime: _at, ...condition }) => condition);
  const running = attempts.some(({ state }) => state !== 'Gone');
  const spent = running && job.spec.continues === undefined ? undefined : cost?.spent;
  return [written(job), told, running, cost?.limit, cost?.percentUsed, spent];
});

/** A plan looks at its job for reasons to amend it; an amendment, at the end of the job it replaces. */
export const jobConcernsPlan = differIn<TrainingJob>((job) => {
  const { conditions, cost, attempts, diagnosis } = job.status ?? {};
  return [written(job), verdicts(conditions), cost?.limit, cost?.forecastFits, attempts, diagnosis];
});

/** A provider counts the attempts that may run on it. */
export const jobConcernsProvider = differIn<TrainingJob>(({ metadata, status }) => [
  metadata.deletionTimestamp,
  status?.attempts?.map(({ name, provider, state, outcome }) => [name, provider, state, outcome]),
]);

const offered = (provider: ComputeProvider): unknown => {
  const ready = findCondition(provider.status?.conditions, 'Ready');
  return [written(provider), ready?.status, ready?.reason, ready?.message, provider.status?.trainer];
};

/** A price follows from what a provider offers, not from how many run there. */
export const providerConcernsPlan = differIn(offered);

/** A job that waits for its turn gets one where an instance ended. */
export function providerConcernsJob(before: ComputeProvider, after: ComputeProvider): boolean {
  const fell = (after.status?.instances ?? 0) < (before.status?.instances ?? 0);
  return fell || !sameJson(offered(before), offered(after));
}

/** A policy's status only tells where it holds. */
export const policyConcerns = differIn<TrainingPolicy>(written);

/** Policies choose namespaces by their labels. */
export const namespaceConcerns = differIn<KubeObject>(({ metadata }) => metadata.labels ?? {});
