import type { Attempt } from '@kriptik/crds';
import type { JobAction, Situation } from './types.ts';

/** Where an attempt in its present state puts the job. */
export function situationOf(live: Attempt, why = ''): Situation {
  if (live.state === 'Creating')
    return { kind: 'Provisioning', message: `Attempt ${live.number} is being created on ${live.provider}` };
  if (live.state === 'Running') return { kind: 'Running', message: runningMessage(live) };
  if (live.stopReason === 'Deleted') return { kind: 'Terminating', message: 'The job was deleted' };
  const kind = live.stopReason === 'Budget' ? 'Freezing' : 'Pausing';
  return { kind, message: why || `Saving a checkpoint (${live.stopReason ?? 'stop'})` };
}

export function runningMessage(attempt: Attempt): string {
  return `Attempt ${attempt.number} runs on ${attempt.provider}`;
}

export function terminateAction(attempt: Attempt): JobAction {
  return { type: 'Terminate', name: attempt.name, provider: attempt.provider };
}
