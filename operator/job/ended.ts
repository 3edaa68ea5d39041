import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import type { Instance } from '../backends/backend.ts';
import { formatMoney, minMoney, parseMoney } from '../money.ts';
import { adjustedAgain } from './adjust.ts';
import { lostTooMany, replaceLast } from './attempts.ts';
import { effectiveLimit } from './cost.ts';
import { OUT_OF_MEMORY } from './diagnosis/diagnose.ts';
import { failed, lostTooOften } from './failure.ts';
import { type Ending, endAttempt } from './outcome.ts';
import { event, type Step, stepOf } from './step.ts';
import type { JobEvent, JobObserved, Situation } from './types.ts';
import { cannotJudge, closeUnjudged } from './unjudged.ts';
import { seen } from './waiting.ts';

/** Failures of the trainer that another try from the last checkpoint may cure. */
const RETRIABLE = new Set(['internal', 'Internal', 'storeUnreachable', 'peerLost', 'hung']);

/**
 * Closes the newest attempt: its instance is verified absent or has exited for good. The end, its
 * reason and the resulting condition go into one status write.
 */
export function ended(o: JobObserved, attempts: readonly Attempt[], live: Attempt, exited: Instance | undefined): Step {
  const last = exited === undefined ? live : seen(live, exited, o.now);
  if (cannotJudge(o, last)) return closeUnjudged(o, attempts, last, exited);
  return judged(o, attempts, last, exited);
}

/** Finds out what an attempt amounted to, now that its store can be read. */
export function judged(
  o: JobObserved,
  attempts: readonly Attempt[],
  last: Attempt,
  exited: Instance | undefined,
): Step {
  const ending = retriable(o, attempts, endAttempt(o, attempts, last, exited));
  const list = replaceLast(attempts, ending.attempt);
  const situation = situationAfter(o, list, ending);
  return stepOf(o, list, situation, {
    freeze: freezeAfter(o, ending),
    actions: exited === undefined ? [] : [{ type: 'Release', name: last.name, provider: last.provider }],
    events: [endEvent(ending, situation)],
    diagnosis: ending.diagnosis === undefined ? [] : [ending.diagnosis],
    requeueAfterMs: 0,
  });
}

/** An internal failure counts as a loss while tries are left: the checkpoint is good, so go on from it. */
function retriable(o: JobObserved, attempts: readonly Attempt[], ending: Ending): Ending {
  if (ending.attempt.outcome !== 'Failed') return ending;
  const code = ending.diagnosis?.code ?? '';
  const eased = OUT_OF_MEMORY.has(code) && adjustedAgain(o, ending.attempt) !== undefined;
  if (!RETRIABLE.has(code) && !eased) return ending;
  const asLost: Attempt = { ...ending.attempt, outcome: 'Lost' };
  if (lostTooMany(replaceLast(attempts, asLost), o.settings)) return ending;
  return { ...ending, attempt: asLost };
}

function situationAfter(o: JobObserved, attempts: readonly Attempt[], ending: Ending): Situation {
  const { outcome, message, stopReason } = ending.attempt;
  if (stopReason === 'Deleted') return { kind: 'Terminating', message: 'Nothing runs any more' };
  if (outcome === 'Succeeded') return { kind: 'Succeeded', message: 'The model was trained and verified on its store' };
  if (outcome === 'Failed') {
    return failed(o, ending.diagnosis?.code ?? 'AttemptFailed', message, ending.diagnosis?.remedy);
  }
  if (lostTooMany(attempts, o.settings)) return lostTooOften(o, attempts);
  if (outcome === 'Lost') return { kind: 'Pending', reason: 'Retrying', message: message ?? 'The attempt was lost' };
  const kind = stopReason === 'Budget' ? 'Freezing' : 'Pausing';
  return { kind, message: 'Nothing runs any more; checking what was saved' };
}

/** The trainer may have frozen itself at its own deadline; then the freeze is recorded now. */
function freezeAfter(o: JobObserved, ending: Ending): TrainingJobStatus['freeze'] {
  const before = o.job.status?.freeze;
  if (!ending.byBudget || before?.reason === 'Budget') return before;
  const at = new Date(o.now).toISOString();
  // A raise that comes in the same moment was not what it froze for.
  const known = parseMoney(o.job.status?.cost?.limit ?? formatMoney(effectiveLimit(o)));
  return {
    limit: formatMoney(minMoney(known, effectiveLimit(o))),
    requestedAt: at,
    reason: 'Budget',
    requestId: `${ending.attempt.name}-own-deadline`,
    deadline: at,
  };
}

function endEvent(ending: Ending, situation: Situation): JobEvent {
  const { number, outcome, message, lastStep } = ending.attempt;
  const text = `Attempt ${number} ended (${outcome}) at step ${lastStep ?? 0}${message === undefined ? '' : `: ${message}`}`;
  const bad = outcome === 'Failed' || outcome === 'Lost' || situation.kind === 'Failed';
  return event(bad ? 'Warning' : 'Normal', `Attempt${outcome ?? 'Ended'}`, text);
}
