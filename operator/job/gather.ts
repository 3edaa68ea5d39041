import { type Attempt, annotations, type TrainingGoal, type TrainingJob, type TrainingPlan } from '@kriptik/crds';
import { type Instance, recoversToken } from '../backends/backend.ts';
import { currentPlan, effectiveBudget } from '../goal/current.ts';
import { approvalOf } from '../plan/approval.ts';
import { policyFor } from '../plan/propose.ts';
import { offersOfProvider } from '../provider/offers.ts';
import type { ProviderRuntime } from '../provider/registry.ts';
import { errorMessage } from '../runtime/errors.ts';
import { liveAttempt } from './attempts.ts';
import type { JobDependencies } from './dependencies.ts';
import { providerViews } from './providers.ts';
import { readStore, storePlace } from './read-store.ts';
import { runtimeOf } from './runtime-of.ts';
import type { GoalView, JobObserved, TrainerView } from './types.ts';

/** Looks at everything a job's decision depends on: cluster objects, its instance, its trainer, its store. */
export async function observeJob(deps: JobDependencies, job: TrainingJob): Promise<JobObserved> {
  const newest = job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  const instance = newest === undefined ? undefined : await findInstance(runtime, newest);
  const goal = deps.goals.get({ namespace: job.metadata.namespace, name: job.spec.goalRef.name });
  const plans = deps.plans.list({ namespace: job.metadata.namespace });
  const trainer = await askTrainer(deps, runtime, newest, instance);
  const store = await readStore(deps, job, newest, instance);
  const place = storePlace(deps, job);
  return {
    now: deps.clock.now(),
    job,
    goal: goalView(goal, job),
    ceiling: ceilingOf(deps, job),
    approval: approvalOf(job, plans),
    supersededBy: supersededBy(goal, plans, job),
    providers: providerViews({
      job,
      providers: deps.providers.list(),
      offers: deps.providers.list().flatMap((provider) => offersOfProvider(provider, deps.market)),
      busy: busyByProvider(deps.jobs.list(), job),
      place: place?.pinned === true ? place : undefined,
    }),
    instance,
    trainer,
    launchError: newest === undefined ? undefined : deps.launchErrors.get(newest.name),
    store,
    storePlace: place && { provider: place.provider, uri: place.uri },
    settings: deps.settings,
  };
}

/** Absence counts only when the provider verified it: without an answer it is 'unknown'. */
async function findInstance(
  runtime: ProviderRuntime | undefined,
  newest: Attempt,
): Promise<Instance | undefined | 'unknown'> {
  if (runtime === undefined) return newest.state === 'Gone' ? undefined : 'unknown';
  try {
    return await runtime.backend.find(newest.name);
  } catch {
    return 'unknown';
  }
}

async function askTrainer(
  deps: JobDependencies,
  runtime: ProviderRuntime | undefined,
  newest: Attempt | undefined,
  instance: Instance | undefined | 'unknown',
): Promise<TrainerView | undefined> {
  if (runtime === undefined || newest === undefined || instance === undefined || instance === 'unknown')
    return undefined;
  if (instance.state === 'exited') return undefined;
  if (instance.endpoint === undefined) return { unreachable: 'it does not listen yet' };
  const token = recoversToken(runtime.backend) ? await runtime.backend.token(newest.name) : undefined;
  if (token === undefined) return { unreachable: 'its token is not known' };
  try {
    return { status: await deps.trainerClient(instance.endpoint, token).status() };
  } catch (error) {
    return { unreachable: errorMessage(error) };
  }
}

function goalView(goal: TrainingGoal | undefined, job: TrainingJob): GoalView | undefined {
  if (goal === undefined || goal.metadata.uid !== job.spec.goalRef.uid) return undefined;
  const { contract, quote } = job.spec.run;
  const statedLimit = job.metadata.annotations?.[annotations.statedLimit];
  const budget = effectiveBudget(goal, { planName: job.spec.planRef.name, contract, quote, statedLimit });
  return { suspended: goal.spec.suspend === true, limit: budget.limit, alertAt: budget.alertAt, warnAt: budget.warnAt };
}

/** A ceiling that was lowered, or a budget raised above it, counts from the next look on. */
function ceilingOf({ policies, namespaces }: JobDependencies, job: TrainingJob): JobObserved['ceiling'] {
  const labels = namespaces.get({ name: job.metadata.namespace })?.metadata.labels ?? {};
  const { ceilings, names } = policyFor(policies.list(), labels);
  return ceilings.perJob === undefined ? undefined : { limit: ceilings.perJob, policies: names };
}

/** A newer plan of the goal replaces this job only once it was approved. */
function supersededBy(
  goal: TrainingGoal | undefined,
  plans: readonly TrainingPlan[],
  job: TrainingJob,
): string | undefined {
  if (goal === undefined || job.status?.attempts?.at(-1)?.outcome === 'Succeeded') return undefined;
  const current = currentPlan(goal, plans);
  if (current === undefined || current.metadata.name === job.spec.planRef.name) return undefined;
  return current.status?.approval?.decision === 'Approved' ? current.metadata.name : undefined;
}

function busyByProvider(jobs: readonly TrainingJob[], except: TrainingJob): Map<string, number> {
  const busy = new Map<string, number>();
  for (const job of jobs) {
    const live = job.metadata.uid === except.metadata.uid ? undefined : liveAttempt(job.status?.attempts ?? []);
    if (live !== undefined) busy.set(live.provider, (busy.get(live.provider) ?? 0) + 1);
  }
  return busy;
}
