import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { spanCost } from '../budget/ledger.ts';
import { addMoney, formatMoney, parseMoney } from '../money.ts';
import { billedSpan } from './cost.ts';

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

/** Deterministic name of a job's nth attempt: lets an unknown outcome be looked up, never repeated. */
export function attemptName(jobUid: string, number: number): string {
  return `kriptik-${jobUid.replaceAll('-', '').slice(0, 8)}-${number}`;
}

/**
 * How many attempts in a row, newest first, were lost without getting past the step they began at.
 * Those a provider refused to create do not count: waiting for capacity is no failure.
 */
export function lostInARow(attempts: readonly Attempt[]): number {
  let count = 0;
  for (const attempt of attempts.toReversed()) {
    if (attempt.outcome === 'Lost' && attempt.goneAt === attempt.createdAt) continue;
    if (attempt.outcome !== 'Lost' || (attempt.lastStep ?? 0) > attempt.resumedFromStep) break;
    count += 1;
  }
  return count;
}

/** Keeps the list bounded without losing a cent: what leaves it is added to the folded sum. */
export function foldAttempts(
  attempts: readonly Attempt[],
  folded: TrainingJobStatus['attemptsFolded'],
): Pick<TrainingJobStatus, 'attempts' | 'attemptsFolded'> {
  const excess = attempts.length - LISTED;
  if (excess <= 0) return { attempts: [...attempts], ...(folded && { attemptsFolded: folded }) };
  const leaving = attempts.slice(0, excess);
  const cost = leaving.reduce(
    (sum, attempt) => addMoney(sum, spanCost(billedSpan(attempt), Date.parse(attempt.goneAt ?? attempt.createdAt))),
    parseMoney(folded?.cost ?? '0'),
  );
  return {
    attempts: attempts.slice(excess),
    attemptsFolded: { count: (folded?.count ?? 0) + excess, cost: formatMoney(cost) },
  };
}
