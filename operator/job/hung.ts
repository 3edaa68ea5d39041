import type { Attempt } from '@kriptik/crds';
import { replaceLast } from './attempts.ts';
import { terminateAction } from './live-situation.ts';
import { event, type Step, stepOf } from './step.ts';
import type { JobObserved } from './types.ts';

/** An instance that should answer and does not: its money would be wasted, so it is ended and replaced. */
export function terminate(o: JobObserved, attempts: readonly Attempt[], live: Attempt, found: string): Step {
  // Said once: the seconds in it move on while the instance takes its time to end.
  const message = live.message ?? found;
  return stepOf(
    o,
    replaceLast(attempts, { ...live, message }),
    { kind: 'Running', message },
    {
      actions: [terminateAction(live)],
      events: live.message === undefined ? [event('Warning', 'TrainerUnreachable', message)] : [],
      requeueAfterMs: 500,
    },
  );
}

export function hungSince(o: JobObserved, live: Attempt): string | undefined {
  if (o.trainer === undefined || 'status' in o.trainer) return undefined;
  const answered = o.job.status?.progress?.updatedAt;
  const heard = answered === undefined ? undefined : Date.parse(answered);
  const began = Date.parse(live.startedAt ?? live.createdAt);
  const silentMs = o.now - Math.max(began, heard ?? 0);
  const allowed = heard === undefined || heard < began ? o.settings.startupMs : o.settings.unreachableMs;
  if (silentMs < allowed) return undefined;
  return `The trainer has not answered for ${Math.round(silentMs / 1000)} s (${o.trainer.unreachable}); it is replaced`;
}
