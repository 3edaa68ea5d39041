import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { foldSpans } from '../budget/job-ledger.ts';

/** Attempts listed in status; older ones are folded into a sum. */
const LISTED = 50;

/** The attempt that may still cost money, if any. */
export function liveAttempt(attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.find((attempt) => attempt.state !== 'Gone');
}

/** The same list with the newest attempt replaced. */
export function replaceLast(attempts: readonly Attempt[], attempt: Attempt): Attempt[] {
  return [...attempts.slice(0, -1), attempt];
}

/**
 * Deterministic name of a job's nth attempt: lets an unknown outcome be looked up, never repeated. With half of the uid, 60
 * random bits: a name that two jobs had would show each of them the machine of the other.
 */
export function attemptName(jobUid: string, number: number): string {
  return `kriptik-${jobUid.replaceAll('-', '').slice(0, 16)}-${number}`;
}

/** Ends that the trainer had no part in: the machine was taken from it. */
const TAKEN: ReadonlySet<Attempt['exitReason']> = new Set(['evicted', 'preempted', 'nodeLost'] as const);

/** Whether an attempt ended because its machine was taken, which says nothing of its trainer. */
export function wasTaken(reason: Attempt['exitReason']): boolean {
  return TAKEN.has(reason);
}

/** Whether an attempt is over without its trainer ever having run. */
export function endedUnused(attempt: Attempt): boolean {
  return attempt.outcome === 'Lost' && attempt.startedAt === undefined;
}

/** Whether an attempt cost nothing: it was refused, or never held hardware. */
function wasFree(attempt: Attempt): boolean {
  if (attempt.goneAt === attempt.createdAt) return true;
  return attempt.billedFrom === undefined ? attempt.queued === true : attempt.billedFrom === attempt.goneAt;
}

/** Whether it ended by itself before its work was done. */
function isVain({ outcome, stopReason }: Attempt): boolean {
  return outcome === 'Lost' || (outcome === 'Frozen' && stopReason === undefined);
}

export interface Losses {
  /** Attempts that came to nothing by themselves. */
  readonly failed: number;
  /** Attempts whose machine was taken: evicted, preempted, drained, lost. */
  readonly taken: number;
}

/**
 * How many attempts in a row, newest first, were lost, or froze themselves though nobody asked and money was left, without
 * getting past the step they began at. Those that never held hardware do not count: waiting for capacity is no failure, and costs nothing.
 */
export function lossesInARow(attempts: readonly Attempt[]): Losses {
  let failed = 0;
  let taken = 0;
  for (const attempt of attempts.toReversed()) {
    if (endedUnused(attempt) && wasFree(attempt)) continue;
    if (!isVain(attempt) || (attempt.lastStep ?? 0) > attempt.resumedFromStep) break;
    if (wasTaken(attempt.exitReason)) taken += 1;
    else failed += 1;
  }
  return { failed, taken };
}

/** Whether another attempt would only lose more: too many in a row got nowhere. */
export function lostTooMany(attempts: readonly Attempt[], most: { maxLost: number; maxInterrupted: number }): boolean {
  const { failed, taken } = lossesInARow(attempts);
  return failed >= most.maxLost || taken >= most.maxInterrupted;
}

/** Keeps the list bounded without losing a cent: what leaves it is added to the folded sum. */
export function foldAttempts(
  attempts: readonly Attempt[],
  folded: TrainingJobStatus['attemptsFolded'],
): Pick<TrainingJobStatus, 'attempts' | 'attemptsFolded'> {
  const excess = attempts.length - LISTED;
  if (excess <= 0) return { attempts: [...attempts], ...(folded && { attemptsFolded: folded }) };
  return { attempts: attempts.slice(excess), attemptsFolded: foldSpans(attempts.slice(0, excess), folded) };
}
