import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import type { Diagnosis } from './outcome.ts';
import type { JobAction, JobEvent, JobObserved, Situation } from './types.ts';

type Freeze = TrainingJobStatus['freeze'];

/** One decision before it is dressed as a status. */
export interface Step {
  readonly situation: Situation;
  readonly attempts: readonly Attempt[];
  readonly freeze: Freeze;
  readonly actions: readonly JobAction[];
  readonly events: readonly JobEvent[];
  readonly diagnosis: readonly Diagnosis[];
  readonly requeueAfterMs?: number | undefined;
  /** When it must be looked at again before all others: its money, or its time to save, runs out then. */
  readonly urgentAfterMs?: number | undefined;
}

/** A step that changes nothing but says where the job stands; `changes` adds what it does. */
export function stepOf(
  o: JobObserved,
  attempts: readonly Attempt[],
  situation: Situation,
  changes: Partial<Step> = {},
): Step {
  return { situation, attempts, freeze: o.job.status?.freeze, actions: [], events: [], diagnosis: [], ...changes };
}

/** Why a job should not run now, the strongest reason first; undefined when it should. */
export type StopReason = NonNullable<Attempt['stopReason']>;

/** What people ask for, before money is looked at. */
export function askedToStop(o: JobObserved): StopReason | undefined {
  if (o.job.metadata.deletionTimestamp !== undefined) return 'Deleted';
  if (o.job.spec.terminate === true) return 'Terminated';
  if (o.supersededBy !== undefined) return 'Superseded';
  if (o.goal?.suspended === true) return 'Suspended';
  return o.job.spec.replicas === 0 ? 'Paused' : undefined;
}

export function event(type: JobEvent['type'], reason: string, message: string): JobEvent {
  return { type, reason, message };
}
