import type { Attempt, TrainingJob } from '@kriptik/crds';
import type { Instance } from '../backends/backend.ts';
import type { ProviderRuntime } from '../provider/registry.ts';
import { errorMessage } from '../runtime/errors.ts';
import { StoreError, type StoreFailure } from '../store/errors.ts';
import type { JobDependencies } from './dependencies.ts';
import { inheritanceMoved, inheritanceOf, inheritedRecord, withInheritance } from './inherited.ts';
import { runtimeOf } from './runtime-of.ts';
import { viewStore } from './store-view.ts';
import { storeEmpty } from './stored.ts';
import type { StorePlace, StoreTrouble, StoreView } from './types.ts';

const NOTHING_STORED: StoreView = { checkpoints: [], artifacts: [], problems: [] };

/** Name of the provider whose store holds the job's work: that of what it began with, or of its first attempt that ran. */
export function keeperName(job: TrainingJob): string {
  return (pinned(job) ?? job.status?.attempts?.at(-1)?.provider) || job.spec.run.resolved.compute.provider;
}

function pinned(job: TrainingJob): string | undefined {
  const kept = job.status?.store?.provider ?? inheritanceOf(job)?.provider;
  return kept ?? job.status?.attempts?.find((one) => one.startedAt !== undefined)?.provider;
}

/** What opens the store that holds the job's work. Undefined when its provider is gone and was never seen. */
export function storeKeeper(deps: JobDependencies, job: TrainingJob): ProviderRuntime | undefined {
  return runtimeOf(deps, keeperName(job));
}

/** Where the job keeps its work, or would if its newest attempt came to run. `pinned`: later attempts must reach it. */
export function storePlace(deps: JobDependencies, job: TrainingJob): (StorePlace & { pinned: boolean }) | undefined {
  const uri = job.status?.store?.uri ?? storeKeeper(deps, job)?.storeUri(job.metadata.uid);
  if (uri === undefined) return undefined;
  return { provider: keeperName(job), uri, pinned: pinned(job) !== undefined };
}

/**
 * Reads the job's store. One that cannot be read says so and counts as what was last known of it: a freeze, a pause or
 * a deletion must go on without it.
 */
export async function readStore(
  deps: JobDependencies,
  job: TrainingJob,
  newest: Attempt | undefined,
  instance: Instance | undefined | 'unknown',
): Promise<StoreView> {
  if (newest === undefined && inheritanceOf(job) === undefined) return NOTHING_STORED;
  const keeper = storeKeeper(deps, job);
  const trouble = keeper === undefined ? keeperGone(job) : (moved(job, keeper) ?? inheritanceMoved(job, keeper));
  if (keeper === undefined || trouble !== undefined) return lastKnown(job, trouble);
  // Once the attempt ended its files must be true now, not when last looked at. At rest the memory serves.
  const over = instance === undefined || (instance !== 'unknown' && instance.state === 'exited');
  const fresh = newest !== undefined && over && (newest.state !== 'Gone' || newest.outcome === undefined);
  try {
    // Whether there is something to begin from is another question than what an attempt left behind, however soon it ended.
    const question = `${instance === undefined && newest?.state === 'Creating' ? 'before' : 'after'} ${newest?.name}`;
    const own =
      newest === undefined
        ? NOTHING_STORED
        : await viewStore(keeper.openStore(job.metadata.uid), job, newest, fresh ? question : false);
    const gone = emptied(job, own);
    if (gone !== undefined) return lastKnown(job, gone);
    return await withInheritance(own, job, keeper, fresh ? question : false);
  } catch (error) {
    if (!(error instanceof StoreError && error.kind === 'Looking')) return lastKnown(job, troubleOf(error));
    const known = lastKnown(job, undefined);
    return { ...known, pending: { step: known.latest?.step ?? 0, doneBytes: 0, totalBytes: 0 } };
  }
}

/** What the status remembers of the store, none of it looked at now. */
function lastKnown(job: TrainingJob, unavailable: StoreTrouble | undefined): StoreView {
  const checkpoints = job.status?.checkpoints ?? [];
  const latest = checkpoints.findLast((one) => one.verifiedAt !== undefined) ?? inheritedRecord(job);
  return { ...NOTHING_STORED, checkpoints, latest, unavailable };
}

function keeperGone(job: TrainingJob): StoreTrouble {
  const name = keeperName(job);
  return {
    reason: 'StoreMissing',
    message: `ComputeProvider ${name}, whose store holds the job's work, does not exist`,
    remedy: 'Create it again with the same spec.',
  };
}

/** A provider whose store was changed would open an empty folder, and the work would seem lost. */
function moved(job: TrainingJob, keeper: ProviderRuntime): StoreTrouble | undefined {
  const kept = job.status?.store;
  const now = keeper.storeUri(job.metadata.uid);
  if (kept === undefined || kept.uri === now) return undefined;
  return {
    reason: 'StoreMoved',
    message: `the job's work lies in ${kept.uri}, but ComputeProvider ${kept.provider} now keeps it in ${now}`,
    remedy: `Set the store of ComputeProvider ${kept.provider} back, or copy the job's folder there and back before that.`,
  };
}

/** Told of a store that shows nothing of what is on record; undefined where it shows anything, or nothing is. */
function emptied(job: TrainingJob, view: StoreView): StoreTrouble | undefined {
  const { latest, checkpoints, artifacts, problems, result, pending } = view;
  const recorded = job.status?.checkpoints?.findLast(({ verifiedAt }) => verifiedAt !== undefined);
  if (recorded === undefined || latest !== undefined || result !== undefined || pending !== undefined) return undefined;
  return checkpoints.length + artifacts.length + problems.length > 0 ? undefined : storeEmpty(recorded);
}

/** Reasons of the conditions by the kinds of errors that stores throw. */
const REASONS: Readonly<Record<Exclude<StoreFailure, 'Looking'>, string>> = {
  Unreachable: 'StoreUnreachable',
  Forbidden: 'StoreForbidden',
  BucketMissing: 'StoreMissing',
  BadCredentials: 'StoreCredentials',
  Misconfigured: 'StoreMisconfigured',
};

/** A folder that cannot be read throws what the file system throws. */
function troubleOf(error: unknown): StoreTrouble {
  if (error instanceof StoreError && error.kind !== 'Looking') {
    return { reason: REASONS[error.kind], message: error.message, remedy: error.remedy };
  }
  return { reason: 'StoreUnreachable', message: errorMessage(error), remedy: '' };
}
