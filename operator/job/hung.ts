import type { Attempt } from '@kriptik/crds';
import { replaceLast } from './attempts.ts';
import { situationOf, terminateAction } from './live-situation.ts';
import { event, type Step, stepOf } from './step.ts';
import type { JobObserved } from './types.ts';

/** Why an instance is of no use any more though it is paid for. */
export interface Useless {
  readonly reason: 'TrainerUnreachable' | 'TrainerHung' | 'HardwareTaken';
  readonly message: string;
}

/** An instance that is of no use: its money would be wasted, so it is ended and replaced. */
export function terminate(o: JobObserved, attempts: readonly Attempt[], live: Attempt, found: Useless): Step {
  // Said once: the seconds in it move on while the instance takes its time to end.
  const message = live.message ?? found.message;
  return stepOf(
    o,
    replaceLast(attempts, { ...live, message, ...(found.reason === 'HardwareTaken' && { exitReason: 'preempted' }) }),
    { ...situationOf(live), message },
    {
      actions: [terminateAction(live)],
      events: live.message === undefined ? [event('Warning', found.reason, message)] : [],
      requeueAfterMs: o.settings.stopPollMs,
    },
  );
}

/** Silent for too long, or answering without getting a step further, or without its hardware. */
export function uselessSince(o: JobObserved, live: Attempt): Useless | undefined {
  if (o.instance !== undefined && o.instance !== 'unknown' && o.instance.state === 'queued') {
    return { reason: 'HardwareTaken', message: 'Its hardware was taken from it while it ran; it is begun again' };
  }
  if (o.trainer === undefined) return undefined;
  return 'status' in o.trainer ? stuckSince(o, live) : silentSince(o, live, o.trainer.unreachable);
}

function silentSince(o: JobObserved, live: Attempt, why: string): Useless | undefined {
  const answered = o.job.status?.progress?.updatedAt;
  const heard = answered === undefined ? undefined : Date.parse(answered);
  const began = Date.parse(live.startedAt ?? live.billedFrom ?? live.createdAt);
  const silentMs = o.now - Math.max(began, heard ?? 0);
  if (silentMs < patienceMs(o, live, heard !== undefined && heard >= began)) return undefined;
  const message = `The trainer has not answered for ${Math.round(silentMs / 1000)} s (${why}); it is replaced`;
  return { reason: 'TrainerUnreachable', message };
}

/** While nothing hindered it before, the wait for hardware and image is part of a start. */
function patienceMs(o: JobObserved, live: Attempt, answeredOnce: boolean): number {
  if (answeredOnce) return o.settings.unreachableMs;
  const waits = o.providers.find(({ name }) => name === live.provider)?.capacityTimeoutMs ?? 0;
  return live.startedAt === undefined ? o.settings.startupMs + waits : o.settings.startupMs;
}

/**
 * No step for many times the usual while it trains. Counted by the operator's clock, from when it first saw the step:
 * the clock of another machine may be off by more than that. The usual is the slowest known, saves included.
 */
function stuckSince(o: JobObserved, live: Attempt): Useless | undefined {
  const status = o.trainer !== undefined && 'status' in o.trainer ? o.trainer.status : undefined;
  const { progress } = o.job.status ?? {};
  if (status === undefined || progress?.stepAt === undefined || status.step !== progress.step) return undefined;
  if (status.phase !== 'training' && status.phase !== 'checkpointing') return undefined;
  if (status.step <= live.resumedFromStep) return undefined;
  const since = Math.max(Date.parse(progress.stepAt), Date.parse(live.startedAt ?? live.createdAt));
  const usualMs =
    1000 *
    (Math.max(status.secondsPerStep ?? 0, Number(progress.secondsPerStep ?? 0)) + (status.checkpointSeconds ?? 0));
  const stuckMs = o.now - since;
  if (stuckMs < Math.max(o.settings.stuckFloorMs, o.settings.stuckFactor * usualMs)) return undefined;
  const message = `The trainer answers, but has made no step since ${status.step} for ${Math.round(stuckMs / 1000)} s, ${Math.round(stuckMs / Math.max(usualMs, 1))} times the usual; it is replaced`;
  return { reason: 'TrainerHung', message };
}
