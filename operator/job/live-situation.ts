import type { Attempt } from '@kriptik/crds';
import type { JobAction, Situation } from './types.ts';
import { waitingSituation } from './waiting.ts';

/** Where an attempt in its present state puts the job. */
export function situationOf(live: Attempt, why = ''): Situation {
  if (live.state === 'Creating') return waitingSituation(live);
  if (live.state === 'Running') return { kind: 'Running', message: runningMessage(live) };
  if (live.stopReason === 'Deleted') return { kind: 'Terminating', message: 'The job was deleted' };
  if (live.stopReason === 'Capacity') {
    return { kind: 'Pending', reason: live.waiting?.reason ?? 'NoCapacity', message: live.message ?? why };
  }
  const kind = live.stopReason === 'Budget' ? 'Freezing' : 'Pausing';
  return { kind, message: why || `Saving a checkpoint (${live.stopReason ?? 'stop'})` };
}

function runningMessage(attempt: Attempt): string {
  return `Attempt ${attempt.number} runs on ${attempt.provider}`;
}

export function terminateAction(attempt: Attempt): JobAction {
  return { type: 'Terminate', name: attempt.name, provider: attempt.provider };
}
