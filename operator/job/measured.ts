import type { Attempt, ProviderTimings } from '@kriptik/crds';
import { type Measured, remember } from '../budget/timings.ts';
import type { JobObserved } from './types.ts';

/** What saves and ends took lately, with what this look measured: `attempts` are those after it. */
export function timingsAfter(o: JobObserved, attempts: readonly Attempt[]): readonly ProviderTimings[] | undefined {
  const last = attempts.at(-1);
  const before = o.job.status?.timings;
  if (last === undefined) return before;
  const wasOpen = o.job.status?.attempts?.find(({ name }) => name === last.name)?.outcome === undefined;
  const teardownSeconds = wasOpen && last.outcome !== undefined ? teardownOf(o, last) : undefined;
  return remember(before, { provider: last.provider, checkpoint: saveOf(o, last), teardownSeconds });
}

/** The newest save of the attempt's own: what it resumed from was timed before. */
function saveOf(o: JobObserved, last: Attempt): Measured['checkpoint'] {
  const reported = o.trainer !== undefined && 'status' in o.trainer ? o.trainer.status.lastCheckpoint : undefined;
  const checkpoint = reported ?? (o.store.result?.attempt === last.name ? o.store.result.checkpoint : undefined);
  if (checkpoint === null || checkpoint === undefined || checkpoint.step <= last.resumedFromStep) return undefined;
  return { seconds: checkpoint.seconds, manifestSha256: checkpoint.manifestSha256 };
}

/**
 * From the end of the trainer to verified absence: by its own word where it left one, else from the moment it was to be
 * ended. An instance that ended before anybody asked tells nothing.
 */
function teardownOf(o: JobObserved, last: Attempt): number | undefined {
  if (last.goneAt === undefined || last.startedAt === undefined) return undefined;
  const { result } = o.store;
  const freeze = o.job.status?.freeze;
  const ended = result?.attempt === last.name ? result.finishedAt : undefined;
  const asked = freeze?.requestId.startsWith(`${last.name}-`) ? freeze.deadline : undefined;
  const from = ended ?? asked;
  if (from === undefined) return undefined;
  const seconds = (Date.parse(last.goneAt) - Date.parse(from)) / 1000;
  return seconds >= 0 && seconds <= BELIEVED_SECONDS ? seconds : undefined;
}

/** Trainer and provider have clocks of their own: a longer end than this says more of them than of the end. */
const BELIEVED_SECONDS = 120;
