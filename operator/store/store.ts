import type { MetricPoint } from '../trainer/messages.ts';
import type { AttemptResult } from '../trainer/result.ts';
import type { Fresh } from './fresh-asks.ts';

/** A checkpoint or artifact whose manifest could be read; its files have not been looked at. */
export type CheckpointRef = {
  step: number;
  /** URI of its directory, as a resume names it. */
  uri: string;
  /** SHA-256 of the bytes of MANIFEST.json, hex. */
  manifestSha256: string;
  /** Sum of the sizes that the manifest lists, bytes. */
  sizeBytes: number;
  createdAt: string;
  attempt: string;
};
export type ArtifactRef = CheckpointRef & { name: string };

/** Every listed file is there, with the size and the hash listed, and nothing else is. */
export type VerifiedCheckpoint = CheckpointRef & { verifiedAt: string };

export type ProblemCode =
  | 'Missing'
  | 'ManifestUnreadable'
  | 'ManifestChanged'
  | 'UnsafePath'
  | 'FileMissing'
  | 'SizeMismatch'
  | 'HashMismatch'
  | 'UnexpectedFile'
  | 'Unreadable'
  /** Not a fault: it is being read back, ask again. */
  | 'Verifying';

/** Why a checkpoint must not be relied on. `where` is a path or URI inside the store. */
export type Problem = { code: ProblemCode; message: string; where: string };

export type Verification = { ok: true; checkpoint: VerifiedCheckpoint } | { ok: false; problem: Problem };

/** What was written down of a checkpoint when it was verified. */
export type Recorded = Pick<CheckpointRef, 'uri' | 'manifestSha256' | 'createdAt'>;

/** A checkpoint that is being read back, and how far that has come. */
export type PendingCheckpoint = { step: number; uri: string; doneBytes: number; totalBytes: number };

/** Why newer checkpoints do not count, and the newest that does; `pending` is newer and may count yet. */
export type Latest = { checkpoint?: VerifiedCheckpoint; problems: Problem[]; pending?: PendingCheckpoint };

/**
 * Read access to what the attempts of one job saved. Writing is the trainer's alone. All of it throws StoreError where the
 * store cannot be looked at: an empty answer means that there is nothing.
 */
export type CheckpointStore = {
  readonly uri: string;
  /** Newest step first. Directories without a readable manifest do not exist (they were being written). */
  list(): Promise<CheckpointRef[]>;
  /**
   * Reads every byte and compares. `fresh` skips the memory of earlier verifications: use it before a freeze is
   * reported and before a resume. A store that is far away answers `Verifying` until it has read everything.
   */
  verify(ref: Pick<CheckpointRef, 'uri' | 'manifestSha256'>, options?: { fresh?: Fresh }): Promise<Verification>;
  /**
   * The newest checkpoint that verifies, with the problems of newer ones that do not. `recorded` are those known from
   * before: one whose manifest was exchanged since then is refused.
   */
  latestVerified(options?: { fresh?: Fresh; recorded?: readonly Recorded[] }): Promise<Latest>;
  artifacts(): Promise<ArtifactRef[]>;
  /** What the attempt wrote as it ended; undefined when it wrote nothing or something unreadable. */
  result(attempt: string): Promise<AttemptResult | undefined>;
  /** The last `limit` points of the history over all attempts, oldest first. */
  metrics(limit: number): Promise<MetricPoint[]>;
};
