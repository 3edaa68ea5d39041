import { type Attempt, finalizers, type TrainingJob } from '@kriptik/crds';
import { movesHardDeadline, recoversToken, renewsQueued } from '../backends/backend.ts';
import { isBackendError } from '../backends/errors.ts';
import { deadlinesFor } from '../budget/limits.ts';
import { type MicroUsd, zeroMoney } from '../money.ts';
import { approvalOf } from '../plan/approval.ts';
import { getOrUndefined } from '../runtime/apply.ts';
import { TerminalError } from '../runtime/errors.ts';
import { addFinalizer } from '../runtime/finalizers.ts';
import type { Logger } from '../runtime/log.ts';
import { keyOf } from '../runtime/types.ts';
import { StoreError } from '../store/errors.ts';
import type { CheckpointStore } from '../store/store.ts';
import { effectiveLimit, moneyOf } from './cost.ts';
import type { JobDependencies } from './dependencies.ts';
import { heldDeadline, isRaised } from './freeze.ts';
import { timeFor } from './instants.ts';
import { monthMessage } from './month-room.ts';
import { freshMonthView } from './month-view.ts';
import { grantedLimit } from './queued.ts';
import { storeKeeper } from './read-store.ts';
import { letJobGo, spentByGoneNow } from './receipt.ts';
import { runtimeOf } from './runtime-of.ts';
import { trainerSpecOf } from './trainer-spec.ts';
import type { JobAction, JobObserved } from './types.ts';

/** Carries out one action. Each may be repeated safely: the next look decides again from what is. */
export async function act(
  deps: JobDependencies,
  o: JobObserved,
  job: TrainingJob,
  action: JobAction,
  log: Logger,
): Promise<void> {
  switch (action.type) {
    case 'AddFinalizer':
      await addFinalizer(deps.client, job, finalizers.instances);
      return;
    case 'RemoveFinalizer':
      await letJobGo(deps, job, o.now);
      return;
    case 'Launch':
      await launch(deps, o, job, action.attempt, log);
      return;
    case 'Terminate':
      await runtimeOf(deps, action.provider)?.backend.terminate(action.name, { graceMs: deps.settings.killGraceMs });
      return;
    case 'Release':
      await runtimeOf(deps, action.provider)?.backend.release(action.name);
      return;
    case 'RequestCheckpoint':
      await withTrainer(
        deps,
        o,
        (trainer) => trainer.checkpoint({ id: action.id, stop: true, reason: action.reason }),
        log,
      );
      return;
    case 'CancelCheckpoint':
      await withTrainer(deps, o, (trainer) => trainer.cancelCheckpoint(action.id), log);
      return;
    case 'RenewQueued':
      await renewQueued(deps, o, job, action.deadline);
      return;
    case 'SetDeadline':
      await setDeadline(deps, o, job, action.deadline, log);
      return;
  }
}

/**
 * Creates the instance whose identity is already on record. What allows it is read once more from the API
 * server itself, not from a cache that may lag: the attempt must still be open and the plan approved.
 */
async function launch(
  deps: JobDependencies,
  o: JobObserved,
  job: TrainingJob,
  attempt: Attempt,
  log: Logger,
): Promise<void> {
  const runtime = runtimeOf(deps, attempt.provider);
  const keeper = storeKeeper(deps, job);
  if (runtime === undefined || keeper === undefined) return;
  // What a write has just returned is as new as what a read would give.
  const current = job === o.job ? await deps.client.get(keyOf(job)) : job;
  const open = current.status?.attempts?.at(-1);
  if (current.metadata.uid !== job.metadata.uid || open?.name !== attempt.name || open.state !== 'Creating') return;
  if ((await spentByGoneNow(deps, current)) > (o.spentByGone ?? zeroMoney)) {
    log.warn({ attempt: attempt.name }, 'launch waits: a deleted job spent of the same budget, which is counted first');
    return;
  }
  const month = await freshMonthView(deps, current, effectiveLimit(o), o.now);
  if (month?.verdict === 'refuse') deps.launchErrors.set(attempt.name, { message: monthMessage(month), final: false });
  if (month !== undefined && month.verdict !== 'launch') return;
  // Last, right before it is acted on.
  const plan = await getOrUndefined(deps.planClient, {
    namespace: job.metadata.namespace,
    name: job.spec.planRef.name,
  });
  const approval = approvalOf(current, plan === undefined ? [] : [plan]);
  if (!approval.approved) {
    log.warn({ attempt: attempt.name, reason: approval.reason }, 'launch stopped: the approval does not hold');
    return;
  }
  try {
    const spec = trainerSpecOf(job, attempt, keeper.storeUri(job.metadata.uid), o.store.latest);
    const hardDeadline = hardDeadlineOf(deps, o, job);
    const store = await keeper.storeAccess?.();
    const hubToken = await runtime.hubToken?.();
    // Before any money is spent: a trainer that cannot reach its store would only find that out on paid hardware.
    await readable(keeper.openStore(job.metadata.uid));
    const { compute, providerOrder } = job.spec.run.resolved;
    const { gpu, gpuCount, nodes } = compute;
    const image = providerOrder.find(({ provider }) => provider === attempt.provider)?.image;
    await runtime.backend.launch({
      name: attempt.name,
      job: { namespace: job.metadata.namespace, name: job.metadata.name, uid: job.metadata.uid },
      spec: { ...spec, ...secondsLeft(timeFor(deps.clock, job), attempt) },
      token: deps.newToken(),
      shape: { gpu, gpuCount, nodes },
      ...(image === undefined ? {} : { image }),
      ...(store === undefined ? {} : { store }),
      ...(hubToken === undefined ? {} : { hubToken }),
      ...(hardDeadline === undefined ? {} : { hardDeadline }),
    });
  } catch (error) {
    if (!refusedForGood(error)) throw error;
    const hint = isBackendError(error) || error instanceof StoreError ? error.remedy : '';
    const remedy = hint === '' ? '' : `. ${hint}`;
    deps.launchErrors.set(attempt.name, {
      message: `${error.message}${remedy}`,
      final: error instanceof TerminalError,
    });
  }
}

/** Throws StoreError where the store cannot be looked at; one that takes its time for the first look is fine. */
async function readable(store: CheckpointStore): Promise<void> {
  try {
    await store.list();
  } catch (error) {
    if (!(error instanceof StoreError && error.kind === 'Looking')) throw error;
  }
}

/** Errors after which it is certain that nothing was created. */
function refusedForGood(error: unknown): error is Error {
  if (error instanceof TerminalError || error instanceof StoreError) return true;
  return isBackendError(error) && error.kind !== 'OutcomeUnknown';
}

/** The trainer's deadline once more as a span, so that a wall clock that is behind cannot prolong it. */
function secondsLeft(now: number, { deadline }: Attempt): { deadlineSeconds?: number } {
  return deadline === undefined ? {} : { deadlineSeconds: Math.max(0, (Date.parse(deadline) - now) / 1000) };
}

/**
 * When the provider itself must end the open attempt of a job: by the clock of this machine, which may be behind the
 * moments that a job is reckoned with. `limit`, less the hold: the one in force where it is absent.
 */
function hardDeadlineOf(deps: JobDependencies, o: JobObserved, job: TrainingJob, limit?: MicroUsd): number | undefined {
  const { runLimit, spent, rate, timings } = moneyOf({ ...o, job }, job.status?.attempts ?? []);
  const hard = deadlinesFor(limit ?? runLimit, spent, rate, o.now, timings)?.hard;
  return hard === undefined ? undefined : hard - (timeFor(deps.clock, job) - deps.clock.now());
}

/**
 * Moves both lines. Later ones only where the month of the namespace has room for the raise behind them, and the
 * provider's first: the trainer must never be promised more time than the provider gives. Sooner ones the trainer's
 * first: it answers also where the provider's API does not.
 */
async function setDeadline(
  deps: JobDependencies,
  o: JobObserved,
  job: TrainingJob,
  deadline: string,
  log: Logger,
): Promise<void> {
  const newest = job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  if (newest === undefined || runtime === undefined) return;
  // Reckoned when it is said: since the look a write was waited for, and the provider.
  const seconds = (): number => Math.max(0, (Date.parse(deadline) - timeFor(deps.clock, job)) / 1000);
  const tell = async () => await withTrainer(deps, o, (trainer) => trainer.setDeadlineIn(seconds()), log);
  const { runLimit } = moneyOf({ ...o, job }, job.status?.attempts ?? []);
  const before = o.job.status?.attempts?.find(({ name }) => name === newest.name);
  // By the limit, not by the moment: that was written down before anybody granted it.
  if (isRaised(before, runLimit)) {
    const month = await freshMonthView(deps, job, effectiveLimit(o), o.now);
    if (month !== undefined && month.verdict !== 'launch') {
      log.warn({ attempt: newest.name, left: month.left }, 'the raise waits: the month of the namespace has no room');
      return;
    }
  }
  const sooner = Date.parse(deadline) < (heldDeadline(o) ?? Number.NaN);
  if (sooner) await tell();
  if (movesHardDeadline(runtime.backend))
    await runtime.backend.setHardDeadline(newest.name, hardDeadlineOf(deps, o, job));
  deps.hardLimits.set(newest.name, runLimit);
  if (!sooner) await tell();
}

async function renewQueued(deps: JobDependencies, o: JobObserved, job: TrainingJob, deadline: string): Promise<void> {
  const newest = job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  if (newest === undefined || runtime === undefined || !renewsQueued(runtime.backend)) return;
  const { runLimit } = moneyOf({ ...o, job }, job.status?.attempts ?? []);
  const limit = grantedLimit(newest, runLimit);
  await runtime.backend.renewQueued(newest.name, { deadline, hardDeadline: hardDeadlineOf(deps, o, job, limit) });
  deps.hardLimits.set(newest.name, limit);
}

type Trainer = ReturnType<JobDependencies['trainerClient']>;

/** Speaks to the running trainer; a failure is logged and left to the next look, which asks again. */
async function withTrainer(
  deps: JobDependencies,
  o: JobObserved,
  say: (trainer: Trainer) => Promise<unknown>,
  log: Logger,
): Promise<void> {
  const newest = o.job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  if (newest === undefined || runtime === undefined || o.instance === undefined || o.instance === 'unknown') return;
  const token = recoversToken(runtime.backend) ? await runtime.backend.token(newest.name) : undefined;
  if (token === undefined || o.instance.endpoint === undefined) return;
  try {
    await say(deps.trainerClient(o.instance.endpoint, token));
  } catch (error) {
    log.warn({ err: error, attempt: newest.name }, 'the trainer did not take a request; it is asked again');
  }
}
