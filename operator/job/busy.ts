import type { TrainingJob } from '@kriptik/crds';
import type { Cache } from '../runtime/informer.ts';
import type { IndexFunction } from '../runtime/store.ts';
import { keyOf } from '../runtime/types.ts';
import { liveAttempt } from './attempts.ts';

/** Name of the index of jobs by the provider of their live attempt. */
export const LIVE_INDEX = 'live';

/** Stands for any provider: none has an empty name. */
const ANY = '';

export const byLive: IndexFunction<TrainingJob> = ({ status }) => {
  const live = liveAttempt(status?.attempts ?? []);
  return live === undefined ? [] : [ANY, live.provider];
};

/** How many jobs of all namespaces besides this one may run on a provider now; on any without one. */
export function busyBeside(
  jobs: Pick<Cache<TrainingJob>, 'countByIndex' | 'get'>,
  job: TrainingJob,
  provider: string = ANY,
): number {
  // As the cache counts it, which may be behind what is known of it here.
  const counted = jobs.get(keyOf(job));
  const isCounted = counted?.metadata.uid === job.metadata.uid && byLive(counted).includes(provider);
  return jobs.countByIndex(LIVE_INDEX, provider) - (isCounted ? 1 : 0);
}
