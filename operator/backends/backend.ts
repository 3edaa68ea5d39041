import type { S3Access } from '../store/location.ts';
import type { TrainerCapabilities } from '../trainer/capabilities.ts';
import type { TrainerSpec } from '../trainer/spec.ts';

/** Where an attempt may run. Equal to the enum of ComputeProvider `spec.type`. */
export type ProviderType = 'kubernetes' | 'runpod' | 'modal' | 'huggingface' | 'local';

/** Limits of one attempt; an absent field is not limited. */
export type Resources = {
  /** Whole processor cores. */
  cpus?: number;
  /** Bytes of memory of all processes of the attempt together. */
  memoryBytes?: number;
  /** 0 (normal) .. 19 (lowest priority). */
  niceness?: number;
};

/** What one attempt runs on, as it was approved. */
export type Shape = {
  /** GPU type as the catalog names it, or 'cpu'. */
  gpu: string;
  /** GPUs of all machines together; 0 with cpu. */
  gpuCount: number;
  /** Machines; one trainer process group spans them. */
  nodes: number;
};

export type LaunchRequest = {
  /** Deterministic name of the attempt: the identity by which it is looked up, for ever. */
  name: string;
  job: { namespace: string; name: string; uid: string };
  spec: TrainerSpec;
  /** Bearer token of the trainer's control server. The token of the first launch of a name stays in force. */
  token: string;
  /** Epoch milliseconds. The provider ends the attempt by then by itself, whatever else happens. */
  hardDeadline?: number;
  resources?: Resources;
  /** Absent where the place has one shape only. */
  shape?: Shape;
  /** Digest-pinned image that was approved, where images are used. */
  image?: string;
  /** How the trainer reaches its store, where the URI alone is not enough. */
  store?: S3Access;
  /** Read token of the Hugging Face Hub, where the provider names one. */
  hubToken?: string;
};

/** Why an attempt is no longer running. Only `exited` means that the trainer ended on its own. */
export type ExitReason =
  | 'exited'
  | 'terminated'
  | 'hardDeadline'
  | 'memoryLimit'
  | 'startTimeout'
  | 'spawnFailed'
  | 'neverStarted'
  | 'supervisorLost'
  /** The node was short of memory or disk, was drained, or is gone. */
  | 'evicted'
  /** Something of a higher priority, or the seller of a spot instance, took the machine. */
  | 'preempted'
  | 'nodeLost';

export type InstanceExit = {
  /** Exit code of the trainer; null when a signal ended it or when it is not known. */
  code: number | null;
  /** Like 'SIGKILL'; null when it exited or when it is not known. */
  signal: string | null;
  /** Epoch milliseconds at which nothing of the attempt ran any more: the end of what is billed. */
  at: number;
  reason: ExitReason;
  /** One line for a person: what happened and what to do. Absent for a plain exit. */
  message?: string;
};

/** Why an attempt that exists does not run yet. */
export type WaitReason =
  /** Admission by a queue such as Kueue. */
  | 'Queued'
  | 'QuotaExceeded'
  /** No node has the GPU that was approved. */
  | 'NoSuchGpu'
  /** Nodes have it, none has enough of it free. */
  | 'InsufficientCapacity'
  | 'Unschedulable'
  | 'ImagePull'
  /** A volume, a Secret or the sandbox is not ready. */
  | 'NotReady'
  /** Its machine does not answer: it may run on there, and nothing else can be said of it. */
  | 'NodeLost';

export type Waiting = {
  reason: WaitReason;
  /** One sentence for a person: what is missing, and what to do where something can be done. */
  message: string;
  /** Epoch milliseconds since when. */
  since: number;
};

export type Instance = {
  name: string;
  /** The provider's own identifier. */
  id: string;
  job: { namespace: string; name: string; uid: string };
  /**
   * `queued`: exists but holds no hardware, so nothing is billed. `exited` is only ever reported once nothing of the
   * attempt runs.
   */
  state: 'queued' | 'starting' | 'running' | 'exited';
  /**
   * Why it does not run yet; in `queued`, and in `starting` where something hinders it. With `NodeLost` also in
   * `running`.
   */
  waiting?: Waiting;
  /**
   * Epoch milliseconds at which it began to hold hardware, where the provider knows. Absent: billed from the create
   * call on.
   */
  billedFrom?: number;
  /** Base URL of the trainer's control server, which may have a path; present in `running` while it can be reached. */
  endpoint?: string;
  /** Epoch milliseconds at which the provider started it. */
  startedAt?: number;
  /** Present in `exited`. */
  exit?: InstanceExit;
};

export type ProbeResult =
  | {
      ready: true;
      capacity: { instances: number; free: number };
      gpus: { gpu: string; count: number }[];
      /** What the trainer there can do, where it tells. */
      trainer?: TrainerCapabilities;
    }
  | { ready: false; reason: string; message: string; remedy: string };

/**
 * A place that can run one trainer per attempt. Every method may throw an error of `errors.ts`.
 *
 * Four answers of `find` and what they promise:
 * - `queued`: it exists and waits for hardware; nothing is billed yet. It may start at any moment.
 * - `starting` / `running`: it exists, or may still come to exist from a launch under way; it is billed.
 * - `exited`: verified that nothing of it runs; kept, with its exit, until `release`.
 * - `undefined`: verified that nothing of it runs and nothing is kept.
 *
 * The end of a run is therefore: `terminate` until `find` is `exited` or `undefined`, record, `release`.
 */
export type Backend = {
  readonly type: ProviderType;
  /** What it takes from the request to end until the absence is verified, in ms, as long as none was measured. */
  readonly teardownMs?: number;
  /** Hardware is free, and not billed, once the trainer's processes have ended, even where nobody could see it then. */
  readonly freesOnExit?: boolean;
  /** Can this provider take work now, and if not, what is wrong and what to do. Never throws. */
  probe(): Promise<ProbeResult>;
  /**
   * Looks the name up and creates only what is verified absent. Safe to repeat and to race: one trainer is
   * started per name, ever; a name that has already ended is returned as `exited` and never started again.
   */
  launch(request: LaunchRequest): Promise<Instance>;
  find(name: string): Promise<Instance | undefined>;
  /**
   * Asks for the end: SIGTERM (save a checkpoint and exit), after `graceMs` SIGKILL to whatever is left. 0 kills
   * at once. A request, not a proof: repeat it until `find` verifies. Unknown names are not an error.
   */
  terminate(name: string, options: { graceMs: number }): Promise<void>;
  /** Everything of this operator that exists or is kept, for the orphan sweep. */
  list(): Promise<Instance[]>;
  /** Forgets an exited attempt. Refused with `Misconfigured` while it runs. Its log stays readable for a while. */
  release(name: string): Promise<void>;
};

/** The trainer's output can be read. */
export type StreamsLogs = {
  /** Yields lines without their newline, oldest first; with `follow` until the attempt exits or `signal` aborts. */
  logs(name: string, options: LogOptions): AsyncIterable<string>;
};
export type LogOptions = { follow?: boolean; tailLines?: number; signal?: AbortSignal };

/** The token of an attempt survives the operator. */
export type RecoversToken = { token(name: string): Promise<string | undefined> };

/** The provider's own deadline can be moved while the attempt runs (after a budget raise). */
export type MovesHardDeadline = { setHardDeadline(name: string, at: number | undefined): Promise<void> };

/**
 * An attempt that waits for hardware costs nothing, so the end of its money moves on: its deadlines can be replaced
 * until it holds hardware. Does nothing for a name that does not wait.
 */
export type RenewsQueued = {
  /** `deadline`: the trainer's own, RFC 3339 or null for none; `hardDeadline`: the provider's, epoch milliseconds. */
  renewQueued(name: string, deadlines: { deadline: string | null; hardDeadline: number | undefined }): Promise<void>;
};

/** Keeps a trace of every name that was used, so that it is never used again, until it can be let go. */
export type KeepsNames = {
  /**
   * Lets go of names whose job is gone for good and that were released before `before` (epoch ms). Resolves with how many.
   */
  forgetNames(isGone: (jobUid: string) => boolean, before: number): Promise<number>;
};

export const keepsNames = (backend: Backend): backend is Backend & KeepsNames => 'forgetNames' in backend;
export const streamsLogs = (backend: Backend): backend is Backend & StreamsLogs => 'logs' in backend;
export const recoversToken = (backend: Backend): backend is Backend & RecoversToken => 'token' in backend;
export const movesHardDeadline = (backend: Backend): backend is Backend & MovesHardDeadline =>
  'setHardDeadline' in backend;
export const renewsQueued = (backend: Backend): backend is Backend & RenewsQueued => 'renewQueued' in backend;
