import type { TrainingJob } from '@kriptik/crds';
import type { Clock } from '../runtime/clock.ts';

/** The latest moment that an operator wrote into a job's status, epoch ms; 0 where there is none. */
export function latestInstant({ status }: TrainingJob): number {
  const { attempts = [], cost, freeze, storage, progress } = status ?? {};
  const told = [cost?.asOf, freeze?.requestedAt, storage?.since, progress?.updatedAt, attempts.at(-1)?.createdAt];
  return Math.max(0, ...told.filter((at) => at !== undefined).map((at) => Date.parse(at)));
}

/** By how much a clock is behind what was written into a job, by the job's uid. */
const shifts = new WeakMap<Clock, Map<string, number>>();

/**
 * The moment to reckon with for a job: never before what is on record, whoever wrote it and by whatever clock. A clock that
 * is behind goes on from there at its own pace: durations are right, and no sum becomes less.
 */
export function timeFor(clock: Clock, job: TrainingJob): number {
  const now = clock.now();
  const known = shifts.get(clock) ?? new Map<string, number>();
  const { uid } = job.metadata;
  const shift = Math.max(known.get(uid) ?? 0, latestInstant(job) - now);
  if (shift <= 0) return now;
  shifts.set(clock, known.set(uid, shift));
  return now + shift;
}
