import type { TrainingJob } from '@kriptik/crds';

/** The latest moment written down in a job's status, epoch ms; 0 where there is none. */
export function latestInstant({ status }: TrainingJob): number {
  const attempts = (status?.attempts ?? []).flatMap(({ createdAt, billedFrom, startedAt, goneAt }) => [
    createdAt,
    billedFrom,
    startedAt,
    goneAt,
  ]);
  const { cost, freeze, storage, progress } = status ?? {};
  const told = [...attempts, cost?.asOf, freeze?.requestedAt, storage?.since, progress?.updatedAt];
  return Math.max(0, ...told.filter((at) => at !== undefined).map((at) => Date.parse(at)));
}

/**
 * The moment to reckon with: never before what is on record, whoever wrote it and by whatever clock. While this clock is
 * behind, time stands still rather than going back, so that no sum becomes less.
 */
export function notBefore(now: number, latest: number): number {
  return Math.max(now, latest);
}
