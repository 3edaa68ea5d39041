import { type Attempt, annotations, type TrainingGoal, type TrainingJob, type TrainingPlan } from '@kriptik/crds';
import { type Instance, recoversToken } from '../backends/backend.ts';
import { familyOf, spentBeside, spentByGone } from '../budget/receipts.ts';
import { type EarlierRuns, earlierRuns, effectiveBudget } from '../goal/current.ts';
import { ofGoal } from '../goal/of-goal.ts';
import { type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { approvalOf } from '../plan/approval.ts';
import { policyFor } from '../plan/propose.ts';
import { offersOfProvider } from '../provider/offers.ts';
import type { ProviderRuntime } from '../provider/registry.ts';
import { isTrue } from '../runtime/conditions.ts';
import { errorMessage } from '../runtime/errors.ts';
import { EXIT } from '../trainer/exit.ts';
import { automaticRemedies } from './adjust.ts';
import { liveAttempt } from './attempts.ts';
import { busyBeside } from './busy.ts';
import { effectiveLimit } from './cost.ts';
import type { JobDependencies } from './dependencies.ts';
import { readTail } from './diagnosis/log-tail.ts';
import type { Curve, Curves } from './diagnosis/ring.ts';
import { timeFor } from './instants.ts';
import type { Looks } from './looks.ts';
import { monthView } from './month-view.ts';
import { providerViews } from './providers.ts';
import { readStore, storePlace } from './read-store.ts';
import { runtimeOf } from './runtime-of.ts';
import { settingsFor } from './settings.ts';
import { supersededBy } from './superseded.ts';
import type { GoalView, JobObserved, TrainerView } from './types.ts';

/** Looks at everything a job's decision depends on: cluster objects, its instance, its trainer, its store. */
export async function observeJob(
  deps: JobDependencies,
  job: TrainingJob,
  curves: Curves,
  looks: Pick<Looks, 'lateness'>,
): Promise<JobObserved> {
  const newest = job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  const instance = newest === undefined ? undefined : await findInstance(runtime, newest);
  const goal = deps.goals.get({ namespace: job.metadata.namespace, name: job.spec.goalRef.name });
  const { namespace } = job.metadata;
  const { uid } = job.spec.goalRef;
  const plans = ofGoal(deps.plans, namespace, uid);
  const { trainer, curve } = await askTrainer(deps, job, runtime, newest, instance, curves);
  const store = await readStore(deps, job, newest, instance);
  const place = storePlace(deps, job);
  const now = timeFor(deps.clock, job);
  const records = { jobs: ofGoal(deps.jobs, namespace, uid), receipts: ofGoal(deps.receipts, namespace, uid) };
  const replacedBy = supersededBy(goal, plans, records, job);
  // One that gave way keeps the limit it ended with; what takes its place counts it, not the other way.
  const others = replacedBy === undefined ? spentBeside(familyOf(job), [job.metadata.uid], records, now) : zeroMoney;
  const earlier = earlierRuns(job.spec.continues, others);
  const wanted = { job, goal: goalView(goal, job, earlier), ceiling: ceilingOf(deps, job, earlier) };
  return {
    now,
    ...wanted,
    spentByGone: spentByGone(familyOf(job), records),
    month: monthOfJob(deps, wanted, now),
    storagePrice: storagePriceOf(deps, place?.provider),
    otherGpus: otherGpus(job, plans),
    freesOnExit: runtime?.backend.freesOnExit,
    teardowns: teardownsOf(deps, job),
    hardLimit: newest && deps.hardLimits.get(newest.name),
    approval: approvalOf(job, plans),
    automaticRemedies: remediesOf(deps, job),
    supersededBy: replacedBy,
    providers: providerViews({
      job,
      providers: deps.providers.list(),
      offers: deps.providers.list().flatMap((provider) => offersOfProvider(provider, deps.market)),
      busy: (provider) => busyBeside(deps.jobs, job, provider),
      place: place?.pinned === true ? place : undefined,
    }),
    instance,
    trainer,
    curve,
    logTail: await tailOf(runtime, newest, instance),
    launchError: newest === undefined ? undefined : deps.launchErrors.get(newest.name),
    store,
    storePlace: place && { provider: place.provider, uri: place.uri },
    settings: settingsFor(deps.settings, busyBeside(deps.jobs, job) + 1, looks.lateness(job.metadata.uid ?? '', now)),
  };
}

/** Only a job that is about to begin, or was raised, looks at the month: it is a sum over all jobs of the namespace. */
function monthOfJob(
  deps: JobDependencies,
  wanted: Pick<JobObserved, 'job' | 'goal' | 'ceiling'>,
  now: number,
): JobObserved['month'] {
  const { job } = wanted;
  const limit = effectiveLimit(wanted);
  const live = liveAttempt(job.status?.attempts ?? []);
  const held = isTrue(job.status?.conditions, 'NamespaceCeiling');
  if (live !== undefined && !isRaising(job, live, limit) && !held) return undefined;
  const { namespace } = job.metadata;
  const records = { jobs: deps.jobs.list({ namespace }), receipts: deps.receipts.list({ namespace }) };
  return monthView(deps, job, limit, records, now);
}

/** Until the trainer is seen to keep the deadline of a raise, it may still be refused. */
function isRaising({ status }: TrainingJob, { deadlineLimit }: Attempt, limit: MicroUsd): boolean {
  const { cost } = status ?? {};
  if (limit > parseMoney(cost?.limit ?? '0')) return true;
  return deadlineLimit !== undefined && subtractMoney(limit, parseMoney(cost?.hold ?? '0')) > parseMoney(deadlineLimit);
}

function teardownsOf(deps: JobDependencies, job: TrainingJob): ReadonlyMap<string, number> {
  const known = job.spec.run.resolved.providerOrder.map(
    ({ provider }) => [provider, runtimeOf(deps, provider)?.backend.teardownMs] as const,
  );
  return new Map(known.flatMap(([name, ms]) => (ms === undefined ? [] : [[name, ms] as const])));
}

function storagePriceOf({ providers }: JobDependencies, name: string | undefined): MicroUsd | undefined {
  const price = name === undefined ? undefined : providers.get({ name })?.spec.store?.pricePerGiBMonth;
  return price === undefined ? undefined : parseMoney(price);
}

/** What the approved plan reckoned with other GPUs. */
function otherGpus(job: TrainingJob, plans: readonly TrainingPlan[]): JobObserved['otherGpus'] {
  const plan = plans.find(({ metadata }) => metadata.uid === job.spec.planRef.uid);
  const tile = plan?.status?.tiles?.find(({ name }) => name === 'GPU');
  const plannedChosen = parseMoney(job.spec.run.quote.total.expected);
  return (tile?.alternatives ?? []).flatMap(({ title, available, cost }) =>
    available && cost !== undefined ? [{ title, planned: parseMoney(cost), plannedChosen }] : [],
  );
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

/** Only of an attempt that is being judged, and that did not end in a way its trainer tells of by its exit code. */
async function tailOf(
  runtime: ProviderRuntime | undefined,
  newest: Attempt | undefined,
  instance: Instance | undefined | 'unknown',
): Promise<JobObserved['logTail']> {
  if (runtime === undefined || newest === undefined || newest.outcome !== undefined) return undefined;
  if (instance === undefined || instance === 'unknown' || instance.state !== 'exited') return undefined;
  const orderly: readonly (number | null | undefined)[] = [EXIT.succeeded, EXIT.frozen, EXIT.stopped];
  return orderly.includes(instance.exit?.code) ? undefined : await readTail(runtime.backend, newest.name);
}

async function askTrainer(
  deps: JobDependencies,
  job: TrainingJob,
  runtime: ProviderRuntime | undefined,
  newest: Attempt | undefined,
  instance: Instance | undefined | 'unknown',
  curves: Curves,
): Promise<{ readonly trainer?: TrainerView; readonly curve?: Curve | undefined }> {
  if (runtime === undefined || newest === undefined || instance === undefined || instance === 'unknown') return {};
  if (instance.state === 'exited') return {};
  if (instance.endpoint === undefined) return { trainer: { unreachable: 'it does not listen yet' } };
  try {
    const token = recoversToken(runtime.backend) ? await runtime.backend.token(newest.name) : undefined;
    if (token === undefined) return { trainer: { unreachable: 'its token is not known' } };
    const client = deps.trainerClient(instance.endpoint, token);
    const status = await client.status();
    // A trainer that is to stop has better things to do.
    const curve =
      newest.state === 'Stopping' ? undefined : await curves.read(job.metadata.uid, client, deps.clock.now());
    return { trainer: { status }, curve };
  } catch (error) {
    return { trainer: { unreachable: errorMessage(error) } };
  }
}

function goalView(
  goal: TrainingGoal | undefined,
  job: TrainingJob,
  earlier: EarlierRuns | undefined,
): GoalView | undefined {
  if (goal === undefined || goal.metadata.uid !== job.spec.goalRef.uid) return undefined;
  const { contract, quote } = job.spec.run;
  const statedLimit = job.metadata.annotations?.[annotations.statedLimit];
  const planName = job.spec.planRef.name;
  const budget = effectiveBudget(goal, { planName, contract, quote, statedLimit, earlier });
  return { suspended: goal.spec.suspend === true, limit: budget.limit, alertAt: budget.alertAt, warnAt: budget.warnAt };
}

/** A ceiling that was lowered, or a budget raised above it, counts from the next look on. */
function ceilingOf(
  { policies, namespaces }: JobDependencies,
  job: TrainingJob,
  earlier: EarlierRuns | undefined,
): JobObserved['ceiling'] {
  const labels = namespaces.get({ name: job.metadata.namespace })?.metadata.labels ?? {};
  const { ceilings, names } = policyFor(policies.list(), labels);
  if (ceilings.perJob === undefined) return undefined;
  // Runs on one budget are one job to a policy: an amendment or a deletion must not double what it allows.
  const left = subtractMoney(ceilings.perJob, earlier?.spent ?? zeroMoney);
  return { limit: maxMoney(zeroMoney, left), policies: names };
}

function remediesOf({ policies, namespaces }: JobDependencies, job: TrainingJob): JobObserved['automaticRemedies'] {
  const labels = namespaces.get({ name: job.metadata.namespace })?.metadata.labels ?? {};
  return automaticRemedies(policyFor(policies.list(), labels).sources.map(({ spec }) => spec));
}
