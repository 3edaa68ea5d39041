import type { Attempt } from '@kriptik/crds';
import type { ExitReason, Instance } from '../backends/backend.ts';
import { clipped } from '../runtime/text.ts';
import { wasTaken } from './attempts.ts';
import { event, type Step, stepOf } from './step.ts';
import type { JobAction, JobObserved, Situation } from './types.ts';

/** Ends of an attempt that ran, even where the provider does not say when it started. */
const RAN: ReadonlySet<ExitReason> = new Set(['exited', 'memoryLimit', 'supervisorLost', 'hardDeadline']);

/** The attempt with what its provider shows of it now: whether it holds hardware, since when, and what it waits for. */
export function seen(attempt: Attempt, instance: Instance, now: number): Attempt {
  const { waiting: _before, ...rest } = attempt;
  const ran = hasRun(instance);
  const billedFrom = attempt.billedFrom ?? notBefore(attempt.createdAt, instance.billedFrom);
  const holds = billedFrom !== undefined || ran || instance.state === 'starting';
  const waiting = instance.state === 'exited' ? undefined : waitingOf(attempt, instance);
  const startedAt = attempt.startedAt ?? (ran ? notBefore(attempt.createdAt, instance.startedAt ?? now) : undefined);
  return {
    ...rest,
    instance: instance.id,
    ...(instance.state === 'queued' && !holds ? { queued: true } : {}),
    ...(attempt.queued === true && holds ? { queued: false } : {}),
    ...(billedFrom === undefined ? {} : { billedFrom }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(startedAt === undefined ? {} : { startedAt }),
    // That its hardware was taken stands, whatever the end that followed is called.
    ...(instance.exit === undefined || wasTaken(attempt.exitReason) ? {} : { exitReason: instance.exit.reason }),
  };
}

/** Whether a trainer ran: it may have written to its store. */
function hasRun({ state, startedAt, billedFrom, exit }: Instance): boolean {
  if (state === 'running') return true;
  if (exit === undefined) return false;
  // Only what has a machine can lose it, though nothing is left to tell since when it had one.
  return startedAt !== undefined || RAN.has(exit.reason) || (billedFrom === undefined && wasTaken(exit.reason));
}

/** RFC 3339 of `at`, never before `floor`: clocks of providers differ from ours. */
function notBefore(floor: string, at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  return at <= Date.parse(floor) ? floor : new Date(at).toISOString();
}

/**
 * One span of waiting keeps its beginning while its reason changes, so that a scheduler that gives a new reason every
 * minute cannot put the timeout off. Waiting in a queue is a span of its own: it is not timed.
 */
function waitingOf(attempt: Attempt, { waiting }: Instance): Attempt['waiting'] {
  if (waiting === undefined) return undefined;
  const before = attempt.waiting;
  const sameSpan = before !== undefined && (before.reason === 'Queued') === (waiting.reason === 'Queued');
  const since = sameSpan ? before.since : (notBefore(attempt.createdAt, waiting.since) ?? attempt.createdAt);
  return { reason: waiting.reason, message: clipped(waiting.message, 1024), since };
}

/** Where an attempt that does not run yet puts its job. */
export function waitingSituation(attempt: Attempt): Situation {
  const { waiting, number, provider } = attempt;
  const text = `Attempt ${number} waits on ${provider}`;
  if (attempt.queued === true) {
    const reason = waiting?.reason ?? 'Queued';
    return { kind: 'Pending', reason, message: waiting === undefined ? text : `${text}: ${waiting.message}` };
  }
  if (waiting === undefined) {
    return { kind: 'Provisioning', message: `Attempt ${number} is being created on ${provider}` };
  }
  return { kind: 'Provisioning', reason: waiting.reason, message: `${text}: ${waiting.message}` };
}

/** How long an attempt may wait for hardware or its image on this provider, in ms. */
export function capacityTimeoutMs(o: JobObserved, provider: string): number {
  const view = o.providers.find(({ name }) => name === provider);
  return view?.capacityTimeoutMs ?? o.settings.capacityTimeoutMs;
}

/** Why the attempt is given up, once it has waited too long; a queue's admission is waited for without end. */
export function waitedTooLong(o: JobObserved, attempt: Attempt): string | undefined {
  const { waiting } = attempt;
  if (waiting === undefined || waiting.reason === 'Queued') return undefined;
  const timeout = capacityTimeoutMs(o, attempt.provider);
  if (o.now - Date.parse(waiting.since) < timeout) return undefined;
  return `${waiting.reason} for more than ${Math.round(timeout / 1000)} s: ${waiting.message}`;
}

/** Milliseconds until {@link waitedTooLong} holds; infinite where nothing is timed. */
export function waitLeftMs(o: JobObserved, { waiting, provider }: Attempt): number {
  if (waiting === undefined || waiting.reason === 'Queued') return Number.POSITIVE_INFINITY;
  return Math.max(0, Date.parse(waiting.since) + capacityTimeoutMs(o, provider) - o.now);
}

/** Says once what an attempt waits for, and again when that changes. */
export function waitingEvents(before: Attempt, now: Attempt): Step['events'] {
  if (now.waiting === undefined || now.waiting.reason === before.waiting?.reason) return [];
  const { reason, message } = now.waiting;
  return [event(reason === 'Queued' ? 'Normal' : 'Warning', reason, `Attempt ${now.number}: ${message}`)];
}

/** A step of an attempt that holds no hardware yet: look again before its time is over. */
export function waitStep(
  o: JobObserved,
  attempts: readonly Attempt[],
  live: Attempt,
  actions: readonly JobAction[],
  events: Step['events'],
): Step {
  const requeueAfterMs = Math.max(50, Math.min(o.settings.waitMs, waitLeftMs(o, live)));
  return stepOf(o, attempts, waitingSituation(live), { actions, events, requeueAfterMs });
}
