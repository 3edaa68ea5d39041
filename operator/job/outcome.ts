import type { Attempt } from '@kriptik/crds';
import type { Instance } from '../backends/backend.ts';
import { clipped } from '../runtime/text.ts';
import { EXIT } from '../trainer/exit.ts';
import type { TrainerFault } from '../trainer/messages.ts';
import { replaceLast, wasTaken } from './attempts.ts';
import { attemptCost } from './cost.ts';
import { readSigns } from './diagnosis/log-signs.ts';
import { freedAt } from './freed.ts';
import { hasRoomOn } from './room.ts';
import type { JobObserved } from './types.ts';

/** A thing that went wrong, with what to do about it. */
export interface Diagnosis {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** What it is told from, beside how the attempt ended. */
  readonly evidence?: readonly string[] | undefined;
}

export interface Ending {
  readonly attempt: Attempt;
  readonly diagnosis?: Diagnosis | undefined;
  /** The budget itself ended the attempt although nobody had asked yet. */
  readonly byBudget: boolean;
}

/**
 * What an attempt amounts to once nothing of it runs any more. `exited` is the provider's record of
 * the end, absent when the instance vanished without one.
 */
export function endAttempt(
  o: JobObserved,
  attempts: readonly Attempt[],
  attempt: Attempt,
  exited: Instance | undefined,
): Ending {
  const goneAt = goneAtOf(o, attempt, exited);
  const verdict = judge(o, attempt, exited);
  const gone: Attempt = { ...attempt, state: 'Gone', goneAt, outcome: verdict.outcome, lastStep: verdict.step };
  const byBudget = verdict.outcome === 'Frozen' && attempt.stopReason === undefined && isSpent(o, attempts, gone);
  const ended: Attempt = {
    ...gone,
    ...(byBudget ? { stopReason: 'Budget' as const } : {}),
    ...(verdict.message === undefined ? {} : { message: clipped(verdict.message, 1024) }),
  };
  return { attempt: { ...ended, cost: attemptCost(ended, o.now) }, diagnosis: verdict.diagnosis, byBudget };
}

/**
 * When nothing of an attempt ran any more: the end of what is billed. Written once. By the provider's own clock where it
 * says so, but never before the moment up to which its cost was told: what is reported as spent never becomes less.
 */
export function goneAtOf(o: JobObserved, attempt: Attempt, exited: Instance | undefined): string {
  if (attempt.goneAt !== undefined) return attempt.goneAt;
  const told = o.job.status?.attempts?.some(({ name, state }) => name === attempt.name && state !== 'Gone') === true;
  const asOf = told ? Date.parse(o.job.status?.cost?.asOf ?? attempt.createdAt) : 0;
  const freed = freedAt(o, attempt) ?? Number.POSITIVE_INFINITY;
  const ends = [asOf, exited?.exit?.at ?? o.now, billedEnd(attempt, exited)].map((at) => Math.min(at, freed));
  return new Date(Math.max(Date.parse(attempt.createdAt), ...ends)).toISOString();
}

/**
 * The beginning on record and the provider's end may be of two clocks. The provider's own beginning and end are of one:
 * what lies between them is billed at the least.
 */
function billedEnd(attempt: Attempt, exited: Instance | undefined): number {
  const began = exited?.billedFrom ?? exited?.startedAt;
  const exit = exited?.exit?.at;
  if (began === undefined || exit === undefined || attempt.queued === true) return 0;
  return Date.parse(attempt.billedFrom ?? attempt.createdAt) + exit - began;
}

/**
 * Whether it was the budget in force that a trainer froze for by itself. It was not when a raise had not reached it
 * or somebody stopped its machine: then there is money left to go on with.
 */
function isSpent(o: JobObserved, attempts: readonly Attempt[], gone: Attempt): boolean {
  const { provider: name, unitPricePerHour } = gone;
  return !hasRoomOn(o, replaceLast(attempts, gone), { name, unitPricePerHour });
}

interface Verdict {
  readonly outcome: NonNullable<Attempt['outcome']>;
  readonly step: number;
  readonly message?: string;
  readonly diagnosis?: Diagnosis;
}

function judge(o: JobObserved, attempt: Attempt, exited: Instance | undefined): Verdict {
  const saved = o.store.latest?.step ?? 0;
  const result = o.store.result?.attempt === attempt.name ? o.store.result : undefined;
  if (result === undefined) return judgeWithoutResult(attempt, exited, saved, furthestStep(o), signsOf(o));
  const step = result.step ?? saved;
  switch (result.outcome) {
    case 'succeeded':
      return judgeSuccess(o, step);
    case 'frozen':
      return {
        outcome: 'Frozen',
        step: saved,
        ...lossMessage(step, saved),
      };
    case 'stopped':
      return {
        outcome: attempt.stopReason === 'Budget' ? 'Frozen' : 'Stopped',
        step: saved,
        ...lossMessage(step, saved),
      };
    case 'failed': {
      const error = faultOf(result.error);
      const remedy = inItsPlace(o, error.remedy ?? `read the log: kriptik logs ${o.job.metadata.name}`);
      const where = error.where ? ` (${error.where})` : '';
      const own = { code: error.code, message: `${error.message}${where}`, remedy };
      // A trainer names what it knows; what it does not know its libraries may have written down.
      const read = error.code === 'internal' ? signsOf(o) : undefined;
      return { outcome: 'Failed', step: saved, message: (read ?? error).message, diagnosis: read ?? own };
    }
  }
}

/** What a trainer says went wrong, with the words that it owes. */
function faultOf(error: TrainerFault | null): TrainerFault {
  return {
    ...error,
    code: clipped(error?.code || 'internal', 64),
    message: error?.message || 'the trainer gave no reason',
  };
}

function signsOf(o: JobObserved): Diagnosis | undefined {
  const read = readSigns(o.logTail);
  return read && { ...read, remedy: inItsPlace(o, read.remedy) };
}

/** Trainers name the variable of a machine of one's own; pods get that token from a Secret. */
function inItsPlace({ job }: JobObserved, remedy: string): string {
  if (job.spec.run.resolved.compute.providerType !== 'kubernetes') return remedy;
  return remedy.replaceAll('HF_TOKEN', 'the Secret that spec.kubernetes.hubTokenRef of the ComputeProvider names');
}

/** The trainer said it finished; believed only if what it made can be read back. */
function judgeSuccess(o: JobObserved, step: number): Verdict {
  if (o.store.artifacts.length > 0) return { outcome: 'Succeeded', step };
  const why = o.store.problems.at(-1) ?? 'the store holds no artifact';
  return {
    outcome: 'Failed',
    step,
    message: `Training ended, but the trained model could not be verified: ${why}`,
    diagnosis: {
      code: 'ArtifactUnverified',
      message: `Training ended, but the trained model could not be verified: ${why}`,
      remedy: 'check the disk or object store, then pause and resume the job to export again from the last checkpoint',
    },
  };
}

function judgeWithoutResult(
  attempt: Attempt,
  exited: Instance | undefined,
  saved: number,
  seen: number,
  read: Diagnosis | undefined,
): Verdict {
  const lost = lossMessage(seen, saved);
  const exit = exited?.exit;
  if (exit?.reason === 'hardDeadline') {
    return { outcome: 'Frozen', step: saved, ...lost };
  }
  if (attempt.stopReason === 'Capacity') {
    return { outcome: 'Lost', step: saved, message: attempt.message ?? 'it waited too long for its hardware' };
  }
  if (attempt.stopReason !== undefined) {
    return { outcome: attempt.stopReason === 'Budget' ? 'Frozen' : 'Stopped', step: saved, ...lost };
  }
  const told = diagnosisOfCode(exit?.code);
  if (told !== undefined) {
    const diagnosis = read?.code === told.code ? { ...told, evidence: read.evidence } : told;
    return { outcome: 'Failed', step: saved, message: told.message, diagnosis };
  }
  if (exit?.reason === 'memoryLimit' || exit?.reason === 'spawnFailed') {
    const message = exit.message ?? 'the trainer could not run';
    return {
      outcome: 'Failed',
      step: saved,
      message,
      diagnosis: { ...diagnosisOfExit(exit.reason, message), evidence: read?.evidence },
    };
  }
  if (read !== undefined && !wasTaken(exit?.reason ?? attempt.exitReason))
    return { outcome: 'Failed', step: saved, message: read.message, diagnosis: read };
  const how =
    exit === undefined ? 'vanished' : (exit.message ?? `ended with ${exit.signal ?? `exit code ${exit.code}`}`);
  return {
    outcome: 'Lost',
    step: saved,
    message: attempt.message ?? `The instance ended without a result: ${how}`,
  };
}

/** A trainer may have no room left to write its result: its exit code says as much as it can. */
function diagnosisOfCode(code: number | null | undefined): Diagnosis | undefined {
  if (code === EXIT.diskFull) {
    return {
      code: 'diskFull',
      message: 'the disk of the store is full; the last verified checkpoint is untouched',
      remedy: 'free some space or raise the quota',
    };
  }
  return code === EXIT.outOfMemory ? diagnosisOfExit('memoryLimit', 'memory ran out') : undefined;
}

function diagnosisOfExit(reason: 'memoryLimit' | 'spawnFailed', message: string): Diagnosis {
  const remedy =
    reason === 'memoryLimit'
      ? 'use a smaller batch, a shorter maxLength or a smaller model, or allow more memory in the ComputeProvider'
      : 'run kriptik doctor: it checks the trainer and its interpreter';
  return { code: reason === 'memoryLimit' ? 'OutOfMemory' : 'TrainerMissing', message, remedy };
}

/** Says plainly how many steps a stop cost, if any. */
function lossMessage(reached: number, saved: number): { message: string } | object {
  if (reached <= saved) return {};
  const from = saved === 0 ? 'no checkpoint exists' : `the last verified checkpoint is of step ${saved}`;
  return { message: `${reached - saved} steps of work were lost: ${from}` };
}

/** The furthest step the trainer was ever seen at. */
export function furthestStep(o: JobObserved): number {
  const reported = o.trainer !== undefined && 'status' in o.trainer ? (o.trainer.status.step ?? 0) : 0;
  return Math.max(reported, o.job.status?.progress?.step ?? 0);
}
