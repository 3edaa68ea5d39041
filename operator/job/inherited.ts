import type { Checkpoint, TrainingJob } from '@kriptik/crds';
import type { ProviderRuntime } from '../provider/registry.ts';
import type { Fresh } from '../store/fresh-asks.ts';
import type { CheckpointRef, CheckpointStore, VerifiedCheckpoint } from '../store/store.ts';
import { storeEmpty } from './stored.ts';
import type { StoreTrouble, StoreView } from './types.ts';

type Inheritance = NonNullable<NonNullable<TrainingJob['spec']['continues']>['checkpoint']>;

/** Why most of them were saved: the job before was asked to end. */
const AT_ITS_END: Checkpoint['reason'] = 'Requested';

/** The checkpoint of the job before that an amendment's job begins with. */
export function inheritanceOf({ spec }: TrainingJob): Inheritance | undefined {
  return spec.continues?.checkpoint;
}

/** As it was recorded when it was handed over. */
export function inheritedRecord(job: TrainingJob): Checkpoint | undefined {
  const from = inheritanceOf(job);
  return from && described(from);
}

/** A provider whose store was changed would look for it in another place, and the work would seem lost. */
export function inheritanceMoved(job: TrainingJob, keeper: ProviderRuntime): StoreTrouble | undefined {
  const from = inheritanceOf(job);
  if (from === undefined || from.uri.startsWith(`${keeper.storeUri(from.jobUid)}/`)) return undefined;
  return {
    reason: 'StoreMoved',
    message: `the checkpoint to begin with is ${from.uri}, but ComputeProvider ${from.provider} now keeps that job's work in ${keeper.storeUri(from.jobUid)}`,
    remedy: `Set the store of ComputeProvider ${from.provider} back.`,
  };
}

/**
 * A view of a job's own store, with what it began with in the place of what is missing there: until its own first save a
 * job goes on from the checkpoint that was handed over, or where that is broken from the newest whole one before it.
 */
export async function withInheritance(
  view: StoreView,
  job: TrainingJob,
  keeper: ProviderRuntime,
  fresh: Fresh,
): Promise<StoreView> {
  const from = inheritanceOf(job);
  if (from === undefined || view.latest !== undefined) return view;
  const { problems, pending, ...found } = await newestWhole(keeper.openStore(from.jobUid), from, fresh);
  return { ...view, ...found, problems: [...view.problems, ...problems], pending: view.pending ?? pending };
}

type Found = Pick<StoreView, 'latest' | 'problems' | 'pending' | 'unavailable'>;

async function newestWhole(store: CheckpointStore, from: Inheritance, fresh: Fresh): Promise<Found> {
  const first = await firstWhole(store, [from], fresh);
  if (first.latest !== undefined || first.pending !== undefined) return first;
  // Only now: whoever can go on from what was handed over need not look at the rest.
  const listed = await store.list();
  if (listed.length === 0) return { ...first, latest: described(from), unavailable: storeEmpty(from) };
  const older = listed.filter(({ step }) => step < from.step).sort((a, b) => b.step - a.step);
  const rest = await firstWhole(store, older, fresh);
  return { ...rest, problems: [...first.problems, ...rest.problems] };
}

async function firstWhole(
  store: CheckpointStore,
  refs: readonly Pick<CheckpointRef, 'uri' | 'manifestSha256' | 'step' | 'sizeBytes'>[],
  fresh: Fresh,
): Promise<Found> {
  const problems: string[] = [];
  for (const ref of refs) {
    const verdict = await store.verify(ref, { fresh });
    if (verdict.ok) return { latest: described(verdict.checkpoint), problems };
    if (verdict.problem.code === 'Verifying')
      return { problems, pending: { step: ref.step, doneBytes: 0, totalBytes: ref.sizeBytes } };
    problems.push(`${verdict.problem.where}: ${verdict.problem.message}`);
  }
  return { problems };
}

function described({
  step,
  uri,
  manifestSha256,
  sizeBytes,
  createdAt,
  attempt,
  ...rest
}: Inheritance | VerifiedCheckpoint) {
  const verifiedAt = 'verifiedAt' in rest ? { verifiedAt: rest.verifiedAt } : {};
  return { step, uri, manifestSha256, sizeBytes, createdAt, attempt, reason: AT_ITS_END, ...verifiedAt };
}
