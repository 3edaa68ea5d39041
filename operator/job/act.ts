import { type Attempt, finalizers, type TrainingJob } from '@kriptik/crds';
import { movesHardDeadline, recoversToken, renewsQueued } from '../backends/backend.ts';
import { isBackendError } from '../backends/errors.ts';
import { billedRate } from '../budget/ledger.ts';
import { deadlinesFor } from '../budget/limits.ts';
import { parseMoney } from '../money.ts';
import { approvalOf } from '../plan/approval.ts';
import { getOrUndefined } from '../runtime/apply.ts';
import { TerminalError } from '../runtime/errors.ts';
import { addFinalizer, removeFinalizer } from '../runtime/finalizers.ts';
import type { Logger } from '../runtime/log.ts';
import { keyOf } from '../runtime/types.ts';
import { effectiveLimit, moneyOf } from './cost.ts';
import type { JobDependencies } from './dependencies.ts';
import { storeKeeper } from './read-store.ts';
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
      await removeFinalizer(deps.client, job, finalizers.instances);
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
    case 'RenewQueued':
      await renewQueued(deps, o, action.deadline);
      return;
    case 'SetDeadline':
      await setDeadline(deps, o, action.deadline, log);
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
  const current = await deps.client.get(keyOf(job));
  const open = current.status?.attempts?.at(-1);
  if (current.metadata.uid !== job.metadata.uid || open?.name !== attempt.name || open.state !== 'Creating') return;
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
    const hardDeadline = hardDeadlineOf(o, attempt);
    const store = await keeper.storeAccess?.();
    const { gpu, gpuCount, nodes } = job.spec.run.resolved.compute;
    await runtime.backend.launch({
      name: attempt.name,
      job: { namespace: job.metadata.namespace, name: job.metadata.name, uid: job.metadata.uid },
      spec,
      token: deps.newToken(),
      shape: { gpu, gpuCount, nodes },
      ...(store === undefined ? {} : { store }),
      ...(hardDeadline === undefined ? {} : { hardDeadline }),
    });
  } catch (error) {
    if (!refusedForGood(error)) throw error;
    const remedy = isBackendError(error) && error.remedy !== '' ? `. ${error.remedy}` : '';
    deps.launchErrors.set(attempt.name, `${error.message}${remedy}`);
  }
}

/** Errors after which it is certain that nothing was created. */
function refusedForGood(error: unknown): error is Error {
  if (error instanceof TerminalError) return true;
  return isBackendError(error) && error.kind !== 'OutcomeUnknown';
}

/** When the provider itself must end the attempt. Earlier spans are paid; this one counts from its create call. */
function hardDeadlineOf(o: JobObserved, attempt: Attempt): number | undefined {
  const others = (o.job.status?.attempts ?? []).filter((one) => one.name !== attempt.name);
  const { spent, timings } = moneyOf(o, others);
  const rate = billedRate(parseMoney(attempt.unitPricePerHour));
  return deadlinesFor(effectiveLimit(o), spent, rate, hardFrom(o, attempt), timings)?.hard;
}

/** From when an attempt's money runs: since it holds hardware, or from now while it waits for some. */
function hardFrom(o: JobObserved, { billedFrom, queued, createdAt }: Attempt): number {
  if (billedFrom !== undefined) return Date.parse(billedFrom);
  return queued === true ? o.now : Date.parse(createdAt);
}

async function setDeadline(deps: JobDependencies, o: JobObserved, deadline: string, log: Logger): Promise<void> {
  const newest = o.job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  if (newest !== undefined && runtime !== undefined && movesHardDeadline(runtime.backend)) {
    // The provider's line first: the trainer must never be promised more time than the provider gives.
    await runtime.backend.setHardDeadline(newest.name, hardDeadlineOf(o, newest));
  }
  await withTrainer(deps, o, (trainer) => trainer.setDeadline(Date.parse(deadline)), log);
}

async function renewQueued(deps: JobDependencies, o: JobObserved, deadline: string): Promise<void> {
  const newest = o.job.status?.attempts?.at(-1);
  const runtime = newest === undefined ? undefined : runtimeOf(deps, newest.provider);
  if (newest === undefined || runtime === undefined || !renewsQueued(runtime.backend)) return;
  await runtime.backend.renewQueued(newest.name, { deadline, hardDeadline: hardDeadlineOf(o, newest) });
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
