import { annotations, finalizers, labels, type TrainingJob, type TrainingReceipt } from '@kriptik/crds';
import { familyOf, receiptOf, spentByGone } from '../budget/receipts.ts';
import { ofGoal } from '../goal/of-goal.ts';
import { type MicroUsd, parseMoney } from '../money.ts';
import { getOrUndefined } from '../runtime/apply.ts';
import { isAlreadyExists, isNamespaceGoing, isNotFound } from '../runtime/errors.ts';
import { isBeingDeleted, removeFinalizer } from '../runtime/finalizers.ts';
import { keyOf } from '../runtime/types.ts';
import { liveAttempt } from './attempts.ts';
import type { JobDependencies } from './dependencies.ts';

/** Receipts are kept this long after the last bill on them, in ms: a year of months, and the one that begins again. */
const KEPT_MS = 400 * 86_400_000;
/** Old receipts deleted at once, at most. */
const PRUNED = 20;

type Receipts = Pick<JobDependencies, 'client' | 'receiptClient' | 'receipts' | 'goals'>;

/**
 * Lets a deleted job go: first what it spent is written down where it outlives the job, then the finalizer goes. The
 * receipt is named by the job's uid and the finalizer goes only from the very version that was billed, so a crash in
 * between, or a second operator, changes nothing.
 */
export async function letJobGo(deps: Receipts, job: TrainingJob, now: number): Promise<void> {
  const current = await getOrUndefined(deps.client, keyOf(job));
  if (current === undefined || current.metadata.uid !== job.metadata.uid || !isBeingDeleted(current)) return;
  const { attempts = [], attemptsFolded } = current.status ?? {};
  const live = liveAttempt(attempts);
  // What was decided on may be older than what is on record now: nothing that may still be billed is let go by it.
  if (live !== undefined && current.metadata.annotations?.[annotations.letGo] !== live.name) return;
  if (attempts.length > 0 || attemptsFolded !== undefined) {
    await writeReceipt(deps, receiptOf(current, now, live?.name));
    await prune(deps, current.metadata.namespace, now);
  }
  await removeFinalizer(deps.client, current, finalizers.instances);
}

async function writeReceipt({ receiptClient }: Receipts, receipt: ReturnType<typeof receiptOf>): Promise<void> {
  try {
    await receiptClient.create(receipt);
  } catch (error) {
    // With its namespace goes every budget that it could count towards.
    if (isNamespaceGoing(error)) return;
    if (!isAlreadyExists(error)) throw error;
    const known = await receiptClient.get(keyOf(receipt));
    // What was written before a crash may lack what came after; less is never written.
    if (parseMoney(known.spec.spent) >= parseMoney(receipt.spec.spent)) return;
    await receiptClient.patch(keyOf(receipt), { spec: receipt.spec });
  }
}

/** Old ones of goals that are gone: no budget and no month counts them any more. */
async function prune({ receipts, receiptClient, goals }: Receipts, namespace: string, now: number): Promise<void> {
  const isOld = ({ spec }: TrainingReceipt): boolean =>
    now - Date.parse(spec.until) > KEPT_MS && goals.get({ namespace, name: spec.goalRef.name }) === undefined;
  for (const old of receipts.list({ namespace }).filter(isOld).slice(0, PRUNED)) {
    try {
      await receiptClient.delete(keyOf(old));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/**
 * What deleted jobs took from the budget of this one, from the receipts that the API server itself holds: a job that
 * has left the cache has left its receipt there.
 */
export async function spentByGoneNow(
  { receiptClient, jobs }: Pick<JobDependencies, 'receiptClient' | 'jobs'>,
  job: TrainingJob,
): Promise<MicroUsd> {
  const { namespace } = job.metadata;
  const known = ofGoal(jobs, namespace, job.spec.goalRef.uid);
  const labelSelector = `${labels.goal}=${job.spec.goalRef.name}`;
  const { items } = await receiptClient.list({ namespace, labelSelector });
  return spentByGone(familyOf(job), { jobs: known, receipts: items });
}
