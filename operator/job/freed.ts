import type { Attempt } from '@kriptik/crds';
import type { JobObserved } from './types.ts';

/**
 * When the hardware of a live attempt was free again at the latest, epoch ms: on the nodes of a cluster it is once the
 * trainer's processes ended, and the trainer wrote down when. It counts where the API server cannot tell, as after an
 * outage in which a trainer kept its own deadline. Undefined while nothing says so, on providers whose bill runs until the
 * instance itself is gone, and of several nodes: the first one writes it down, and others may hold theirs for longer.
 */
export function freedAt(o: JobObserved, attempt: Attempt): number | undefined {
  const { result } = o.store;
  if (o.freesOnExit !== true || result?.attempt !== attempt.name) return undefined;
  if (o.job.spec.run.resolved.compute.nodes > 1) return undefined;
  // By the trainer's clock; never before it was last heard of by ours.
  const heard = Date.parse(o.job.status?.progress?.updatedAt ?? attempt.createdAt);
  return Math.max(Date.parse(result.finishedAt), heard) + o.settings.teardownMs;
}

/** The attempts as they are billed: one that is known to have freed its hardware is not billed until now. */
export function billedAttempts(o: JobObserved, attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.map((attempt) => {
    const freed = attempt.goneAt === undefined ? freedAt(o, attempt) : undefined;
    return freed === undefined || freed >= o.now ? attempt : { ...attempt, goneAt: new Date(freed).toISOString() };
  });
}
