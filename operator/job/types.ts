import type { Attempt, Checkpoint, TrainingJob, TrainingJobStatus } from '@kriptik/crds';
import type { Instance } from '../backends/backend.ts';
import type { Verdict } from '../budget/ceiling.ts';
import type { OtherGpu } from '../budget/forecast.ts';
import type { MicroUsd } from '../money.ts';
import type { ApprovalView } from '../plan/approval.ts';
import type { TrainerStatus } from '../trainer/messages.ts';
import type { AttemptResult } from '../trainer/result.ts';
import type { AutomaticRemedy } from './adjust.ts';
import type { Curve } from './diagnosis/ring.ts';
import type { JobSettings } from './settings.ts';

/** What the trainer said, or why it could not be asked. */
export type TrainerView = { readonly status: TrainerStatus } | { readonly unreachable: string };

/** An artifact whose files were read back from the store and matched their hashes. */
export interface VerifiedArtifact {
  readonly name: string;
  readonly uri: string;
  readonly manifestSha256: string;
  readonly sizeBytes: number;
}

/** Why an attempt was not created. */
export interface Refusal {
  readonly message: string;
  /** The same again would be refused again, wherever it is tried. */
  readonly final: boolean;
}

/** Where a job keeps its work. */
export interface StorePlace {
  /** ComputeProvider whose store it is. */
  readonly provider: string;
  readonly uri: string;
}

/** Why a store cannot be read. */
export interface StoreTrouble {
  /** Reason of the condition. */
  readonly reason: string;
  readonly message: string;
  /** What a person can do, a full sentence; empty when waiting is all there is to do. */
  readonly remedy: string;
}

/** What the job's store holds, read back and verified. */
export interface StoreView {
  /** Newest checkpoint whose hashes hold. */
  readonly latest?: Checkpoint | undefined;
  /** Verified checkpoints, oldest first. */
  readonly checkpoints: readonly Checkpoint[];
  readonly artifacts: readonly VerifiedArtifact[];
  /** Why a checkpoint or artifact was refused, in words for people. */
  readonly problems: readonly string[];
  /** How the newest attempt ended, in its own words. */
  readonly result?: AttemptResult | undefined;
  /** Set when it cannot be read: everything else is what was last known. */
  readonly unavailable?: StoreTrouble | undefined;
  /** Something is still being read back: nothing may be concluded from what seems to be missing. */
  readonly pending?: { readonly step: number; readonly doneBytes: number; readonly totalBytes: number } | undefined;
}

/** A provider of the approved order, as it is now. */
export interface ProviderView {
  readonly name: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  /** Approved price per hour of the whole instance, decimal USD. */
  readonly unitPricePerHour: string;
  /** Set when the price asked now is above the approved one. */
  readonly dearer?: string | undefined;
  /** How long pods may wait there for nodes or their image, in ms; absent where the provider does not say. */
  readonly capacityTimeoutMs?: number | undefined;
  /** Set when an attempt there could not reach the store that holds the job's work: why. */
  readonly outOfReach?: string | undefined;
}

/** What people want of the job now, read from the goal. Absent when the goal is gone. */
export interface GoalView {
  readonly suspended: boolean;
  /** Limit in force, decimal USD. */
  readonly limit: string;
  readonly alertAt: number;
  readonly warnAt: number;
}

/** A namespace's month under a ceiling, as one job sees it. */
export interface MonthView extends Verdict {
  readonly ceiling: MicroUsd;
  readonly policies: readonly string[];
}

/** Everything the decision looks at; gathered by the reconciler. */
export interface JobObserved {
  readonly now: number;
  readonly job: TrainingJob;
  readonly goal: GoalView | undefined;
  /** The lowest ceiling for a job of the policies that hold in its namespace. */
  readonly ceiling?: { readonly limit: MicroUsd; readonly policies: readonly string[] } | undefined;
  /** What deleted jobs took from the same budget, as far as is known. */
  readonly spentByGone?: MicroUsd | undefined;
  /** The ceiling of the namespace's month, where there is one: what it leaves to this job. */
  readonly month?: MonthView | undefined;
  /** Of one GiB for 30 days in the job's store; absent where it costs nothing. */
  readonly storagePrice?: MicroUsd | undefined;
  /** Alternatives of the approved plan's GPU, with what the plan reckoned. */
  readonly otherGpus?: readonly OtherGpu[] | undefined;
  /** On the newest attempt's provider hardware is free once the trainer's processes ended, whatever else is left. */
  readonly freesOnExit?: boolean | undefined;
  /** What an end takes on the providers that say so, in ms by name, before any was measured. */
  readonly teardowns?: ReadonlyMap<string, number> | undefined;
  /** For which limit, less the hold, this process last moved the deadline that the newest attempt's provider keeps. */
  readonly hardLimit?: MicroUsd | undefined;
  /** What policies let it change by itself after its memory ran out. */
  readonly automaticRemedies?: readonly AutomaticRemedy[] | undefined;
  readonly approval: ApprovalView;
  /** Name of a newer, approved plan of the same goal. */
  readonly supersededBy?: string | undefined;
  readonly providers: readonly ProviderView[];
  /** The instance of the newest attempt; undefined means verified absent; 'unknown' that nobody could tell. */
  readonly instance: Instance | undefined | 'unknown';
  readonly trainer: TrainerView | undefined;
  /** The losses of the run so far; absent where the trainer was not asked for them. */
  readonly curve?: Curve | undefined;
  /** The end of the log of an attempt that ended badly by itself, oldest first; absent where there is none to read. */
  readonly logTail?: readonly string[] | undefined;
  /** Why the provider refused to create the newest attempt; nothing was created then. */
  readonly launchError?: Refusal | undefined;
  readonly store: StoreView;
  /** Where that store is; undefined when its provider is gone and was never seen. */
  readonly storePlace?: StorePlace | undefined;
  readonly settings: JobSettings;
}

/** What the reconciler does after the status was written. Each is safe to repeat. */
export type JobAction =
  | { readonly type: 'Launch'; readonly attempt: Attempt }
  | { readonly type: 'RequestCheckpoint'; readonly id: string; readonly reason: string }
  /** Withdraws a request that the trainer has not begun to follow. */
  | { readonly type: 'CancelCheckpoint'; readonly id: string }
  | { readonly type: 'SetDeadline'; readonly deadline: string }
  /** The deadlines of an attempt that still waits for hardware. */
  | { readonly type: 'RenewQueued'; readonly deadline: string }
  | { readonly type: 'Terminate'; readonly name: string; readonly provider: string }
  | { readonly type: 'Release'; readonly name: string; readonly provider: string }
  | { readonly type: 'AddFinalizer' }
  | { readonly type: 'RemoveFinalizer' };

export interface JobEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface JobDecision {
  readonly status: TrainingJobStatus;
  readonly actions: readonly JobAction[];
  readonly events: readonly JobEvent[];
  readonly requeueAfterMs?: number | undefined;
  readonly urgentAfterMs?: number | undefined;
}

/** Where a job stands; conditions and phase follow from it. */
export type Situation =
  | { readonly kind: 'Pending'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Provisioning'; readonly reason?: string; readonly message: string }
  | { readonly kind: 'Running' | 'Freezing' | 'Pausing'; readonly message: string }
  | { readonly kind: 'Terminating'; readonly reason?: string; readonly message: string }
  | { readonly kind: 'Frozen' | 'Paused' | 'Succeeded' | 'Superseded' | 'Terminated'; readonly message: string }
  | { readonly kind: 'Failed'; readonly reason: string; readonly message: string };
