import type { Attempt } from '@kriptik/crds';
import type { Instance } from '../backends/backend.ts';
import { replaceLast } from './attempts.ts';
import { attemptCost } from './cost.ts';
import { furthestStep, goneAtOf } from './outcome.ts';
import { event, type Step, stepOf } from './step.ts';
import type { JobObserved, Situation } from './types.ts';

/** Between two looks at a checkpoint that is being read back, ms. */
export const READING_MS = 1_000;

/**
 * Whether what an attempt amounts to cannot be told yet: the store that would tell is out of reach, or is still being
 * read back. Nobody waits for that to let go of a deleted job, nor for an attempt that never ran.
 */
export function cannotJudge(o: JobObserved, attempt: Attempt): boolean {
  if (o.job.metadata.deletionTimestamp !== undefined || attempt.startedAt === undefined) return false;
  return o.store.unavailable !== undefined || o.store.pending !== undefined;
}

/** Closes an attempt of which nothing runs, so that it is billed no longer; its outcome is found out later. */
export function closeUnjudged(
  o: JobObserved,
  attempts: readonly Attempt[],
  live: Attempt,
  exited: Instance | undefined,
): Step {
  const gone: Attempt = { ...live, state: 'Gone', goneAt: goneAtOf(o, live, exited) };
  const closed: Attempt = { ...gone, cost: attemptCost(gone, o.now) };
  const situation = unjudgedSituation(o, closed);
  return stepOf(o, replaceLast(attempts, closed), situation, {
    events: [event('Warning', 'AttemptEnded', `Attempt ${live.number} ended. ${situation.message}`)],
    requeueAfterMs: READING_MS,
  });
}

/** Waits for the store. The instance's record is kept: it says how the attempt ended. */
export function unjudged(o: JobObserved, attempts: readonly Attempt[], last: Attempt): Step {
  const requeueAfterMs = o.store.unavailable === undefined ? READING_MS : o.settings.waitMs;
  return stepOf(o, attempts, unjudgedSituation(o, last), { requeueAfterMs });
}

/** A freeze or a pause holds although its checkpoint cannot be looked at: nothing runs and nothing is spent. */
function unjudgedSituation(o: JobObserved, attempt: Attempt): Situation {
  const asked = attempt.stopReason;
  const budget = asked === 'Budget';
  const stopped = budget || asked === 'Paused' || asked === 'Suspended';
  const { unavailable, pending } = o.store;
  if (unavailable !== undefined) {
    const message = `Nothing runs any more. ${unavailableMessage(o, unavailable.message, unavailable.remedy)}`;
    if (stopped) return { kind: budget ? 'Frozen' : 'Paused', message };
    return { kind: 'Pending', reason: unavailable.reason, message };
  }
  const message = `Nothing runs any more; the checkpoint of step ${pending?.step ?? 0} is being read back`;
  if (stopped) return { kind: budget ? 'Freezing' : 'Pausing', message };
  return { kind: 'Pending', reason: 'Verifying', message };
}

/** Says which step is safe and which ones are not known to be, in words that stand until the store is back. */
function unavailableMessage(o: JobObserved, why: string, remedy: string): string {
  const safe = o.store.latest?.step;
  const reached = furthestStep(o);
  const known = safe === undefined ? 'No checkpoint was verified before' : `Step ${safe} was the last one verified`;
  const open =
    reached > (safe ?? 0)
      ? `; whether the ${reached - (safe ?? 0)} steps up to ${reached} were saved is not known`
      : '';
  return `The store cannot be read: ${why}. ${known}${open}. It is looked at again until it answers. ${remedy}`.trim();
}
