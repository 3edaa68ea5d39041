import type { InstanceExit } from '../backend.ts';
import type { Facts } from './facts.ts';
import { QUEUE_LABEL } from './names.ts';
import type { Job } from './objects.ts';
import { scheduledAt } from './pods.ts';

/** Whether a queue decides when the Job runs. */
export const isQueued = (job: Job | undefined): boolean => job?.metadata.labels?.[QUEUE_LABEL] !== undefined;

/**
 * Since when an attempt of a queue has held a node, where that is not on record yet, epoch ms. A Job that its queue
 * suspends again shows no trace of having run.
 */
export const unnotedStart = ({ job, pods, record }: Facts): number | undefined => {
  if (!isQueued(job) || record === undefined || record.billedFrom !== undefined) return undefined;
  const held = pods.map(scheduledAt).filter((at) => at !== undefined);
  return held.length === 0 ? undefined : Math.min(...held);
};

/**
 * Whether the queue took its nodes back: it ran, is suspended, and its pods are gone. It must not run a second time
 * under its name, with a deadline and a checkpoint of then: the next attempt goes on from what was saved.
 */
export const wasTakenBack = ({ job, pods, record }: Facts): boolean =>
  job?.spec.suspend === true && pods.length === 0 && record?.billedFrom !== undefined && record.exit === undefined;

/** How such an attempt ended; `now` in epoch ms. */
export const takenBack = ({ job }: Facts, now: number): InstanceExit => ({
  code: null,
  signal: null,
  at: now,
  reason: 'preempted',
  message: `queue ${job?.metadata.labels?.[QUEUE_LABEL] ?? ''} took its nodes back`,
});
