import type { Resolved, TrainingJobStatus } from '@kriptik/crds';
import type { MetricPoint, TrainerStatus } from '../../trainer/messages.ts';
import type { Situation } from '../types.ts';

/** One entry of `status.diagnosis`. */
export type Recorded = NonNullable<TrainingJobStatus['diagnosis']>[number];

/** Info: worth knowing. Warning: money or quality is being lost. Error: it stopped the training. */
export type Severity = NonNullable<Recorded['severity']>;

export interface Remedy {
  readonly text: string;
  /** What it changes in the plan, like `hyperparameters.batchSize=1`; absent where it changes nothing there. */
  readonly change?: string;
  /** Whether it can cost more than what was approved. */
  readonly costsMore: boolean;
}

/** Something that is wrong, with the figures that show it. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly evidence: readonly string[];
  /** The last step at which the training was sound, where it went wrong since: what was saved later is no good. */
  readonly soundUntilStep?: number;
  /** Set where the message names one of several causes: another one is told at once. */
  readonly cause?: string;
  /** Best first; never empty. */
  readonly remedies: readonly [Remedy, ...Remedy[]];
}

/**
 * What one detector sees: its finding, that it is surely not there ('clear'), or nothing that would change what was
 * found before (undefined). Between the line that raises a finding and the one that clears it lies the last of these,
 * so that figures near a line do not make it come and go.
 */
export type Verdict = Finding | 'clear' | undefined;

/** What detectors look at. All of it was measured; nothing is asked for. */
export interface Symptoms {
  readonly now: number;
  /** Latest points of the present attempt, oldest first, evaluations among them. */
  readonly points: readonly MetricPoint[];
  /** The trainer's own report; absent while none runs or answers. */
  readonly status: TrainerStatus | undefined;
  readonly plan: Pick<Resolved, 'method' | 'hyperparameters' | 'compute' | 'model'>;
  readonly modality: string;
  readonly situation: Situation;
  readonly budget: BudgetSymptoms;
  /** Whether the trainer got past the step its attempt began at. */
  readonly advanced: boolean;
}

export interface BudgetSymptoms {
  /** Decimal US dollars. */
  readonly spent: string;
  readonly limit: string;
  /** Expected total at completion and whether it fits; absent while the speed is not known. */
  readonly forecast?: string | undefined;
  readonly fits?: boolean | undefined;
  readonly options: readonly string[];
}

/** A detector reads symptoms; it keeps nothing between two looks. */
export interface Detector {
  /** The finding it raises and clears. */
  readonly code: string;
  readonly detect: (symptoms: Symptoms) => Verdict;
}
