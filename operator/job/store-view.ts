import type { Attempt, Checkpoint, TrainingJob } from '@kriptik/crds';
import type { Fresh } from '../store/fresh-asks.ts';
import type { CheckpointRef, CheckpointStore } from '../store/store.ts';
import type { CheckpointInfo } from '../trainer/messages.ts';
import type { StoreView, VerifiedArtifact } from './types.ts';

const REASONS = {
  periodic: 'Periodic',
  requested: 'Requested',
  deadline: 'Deadline',
  signal: 'Signal',
  final: 'Final',
} as const satisfies Record<CheckpointInfo['reason'], Checkpoint['reason']>;

/**
 * Reads back what the job saved. `fresh` hashes every byte again instead of trusting an earlier look: asked
 * for when an attempt has ended, since what is then reported must be true now. Its text names the question.
 */
export async function viewStore(
  store: CheckpointStore,
  job: TrainingJob,
  newest: Attempt | undefined,
  fresh: Fresh,
): Promise<StoreView> {
  // First: on some stores this one look brings everything else along.
  const { checkpoint, problems, pending } = await store.latestVerified({
    fresh,
    recorded: job.status?.checkpoints ?? [],
  });
  const result = newest === undefined ? undefined : await store.result(newest.name);
  const known = job.status?.checkpoints ?? [];
  const described = (ref: CheckpointRef): Checkpoint => describe(ref, known, result?.checkpoint ?? undefined);
  // All that is newer than the newest that holds was just found broken: an earlier look does not count any more.
  const verifiedAt = (ref: CheckpointRef): string | undefined =>
    ref.step > (checkpoint?.step ?? -1)
      ? undefined
      : (known.find((one) => one.manifestSha256 === ref.manifestSha256)?.verifiedAt ??
        (ref.manifestSha256 === checkpoint?.manifestSha256 ? checkpoint.verifiedAt : undefined));
  // The record of an exchanged manifest stays: with the new one on record the next look would find nothing wrong.
  const exchanged = new Set(problems.filter(({ code }) => code === 'ManifestChanged').map(({ where }) => where));
  const refs = (await store.list()).toReversed();
  const artifacts = result?.outcome === 'succeeded' ? await verifiedArtifacts(store, fresh) : NO_ARTIFACTS;
  return {
    latest: checkpoint && { ...described(checkpoint), verifiedAt: verifiedAt(checkpoint) ?? checkpoint.verifiedAt },
    checkpoints: refs.map((ref) => {
      const recorded = exchanged.has(ref.uri) ? known.find((one) => one.uri === ref.uri) : undefined;
      if (recorded !== undefined) return unverified(recorded);
      const at = verifiedAt(ref);
      return { ...described(ref), ...(at === undefined ? {} : { verifiedAt: at }) };
    }),
    artifacts: artifacts.good,
    problems: [...problems.map((problem) => `${problem.where}: ${problem.message}`), ...artifacts.bad],
    result,
    pending: pending ?? artifacts.pending,
  };
}

function unverified({ verifiedAt: _verified, ...checkpoint }: Checkpoint): Checkpoint {
  return checkpoint;
}

/** The manifest does not say why it was written; the status or the attempt's result may. */
function describe(ref: CheckpointRef, known: readonly Checkpoint[], last: CheckpointInfo | undefined): Checkpoint {
  const before = known.find((one) => one.manifestSha256 === ref.manifestSha256);
  const reason = last?.manifestSha256 === ref.manifestSha256 ? REASONS[last.reason] : before?.reason;
  const { step, uri, manifestSha256, sizeBytes, createdAt, attempt } = ref;
  return { step, uri, manifestSha256, sizeBytes, createdAt, attempt, reason: reason ?? 'Periodic' };
}

interface Artifacts {
  readonly good: readonly VerifiedArtifact[];
  readonly bad: readonly string[];
  readonly pending?: StoreView['pending'];
}

const NO_ARTIFACTS: Artifacts = { good: [], bad: [] };

async function verifiedArtifacts(store: CheckpointStore, fresh: Fresh): Promise<Artifacts> {
  const good: VerifiedArtifact[] = [];
  const bad: string[] = [];
  let pending: StoreView['pending'];
  for (const { name, uri, manifestSha256, sizeBytes, step } of await store.artifacts()) {
    const verdict = await store.verify({ uri, manifestSha256 }, { fresh });
    if (!verdict.ok && verdict.problem.code === 'Verifying') pending = { step, doneBytes: 0, totalBytes: sizeBytes };
    else if (verdict.ok) good.push({ name, uri, manifestSha256, sizeBytes });
    else bad.push(`${verdict.problem.where}: ${verdict.problem.message}`);
  }
  // One broken artifact spoils the whole: a half-published model must not count as finished.
  return { good: bad.length === 0 && pending === undefined ? good : [], bad, pending };
}
