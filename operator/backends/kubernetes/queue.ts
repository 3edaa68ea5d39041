import type { InstanceExit, Waiting, WaitReason } from '../backend.ts';
import type { Facts } from './facts.ts';
import { QUEUE_LABEL } from './names.ts';
import { type Condition, conditionOf, epochOf, type Job } from './objects.ts';
import { scheduledAt } from './pods.ts';
import { evicted, heldBack } from './workload.ts';

const queueOf = (job: Job | undefined): string | undefined => job?.metadata.labels?.[QUEUE_LABEL];

/** Whether a queue decides when the Job runs. */
export const isQueued = (job: Job | undefined): boolean => queueOf(job) !== undefined;

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

/** Whether the queue gave it nodes a second time before that was seen: no pod is left of those that ran first. */
export const runsAgain = ({ job, pods, record }: Facts): boolean => {
  const first = record?.billedFrom;
  if (!isQueued(job) || first === undefined || record?.exit !== undefined || pods.length === 0) return false;
  return pods.every(({ metadata }) => (epochOf(metadata.creationTimestamp) ?? 0) > first);
};

/** How such an attempt ended; `at` in epoch ms. */
export const takenBack = ({ job, workload }: Facts, at: number): InstanceExit => {
  const why = workload === undefined ? undefined : evicted(workload)?.message;
  const message = `queue ${queueOf(job) ?? ''} took its nodes back${why === undefined ? '' : `: ${why}`}`;
  return { code: null, signal: null, at, reason: 'preempted', message: message.slice(0, MESSAGE_LENGTH) };
};

const MESSAGE_LENGTH = 500;

/** What a suspended Job waits for. */
export const suspendedFor = ({ name, job, workload }: Facts): Waiting => {
  const suspended = conditionOf(job?.status?.conditions, 'Suspended');
  const since = epochOf(suspended?.lastTransitionTime) ?? epochOf(job?.metadata.creationTimestamp) ?? 0;
  const queue = queueOf(job);
  if (queue === undefined) {
    const message = `Job ${name} is suspended, though no queue manages it: whoever set spec.suspend has to unset it`;
    return { reason: 'Queued', message, since };
  }
  if (workload?.spec?.active === false) {
    const message = `queue ${queue} has put it aside: set spec.active of Workload ${workload.metadata.name} to true`;
    return { reason: 'NotReady', message, since };
  }
  const told = workload === undefined ? undefined : heldBack(workload);
  if (told?.message === undefined || told.message === '') {
    // Kueue gives one of several equal Jobs its reason, and the others none.
    const whom = workload === undefined ? 'workloads tells why' : `workload ${workload.metadata.name} shows its place`;
    return {
      reason: 'Queued',
      message: `queue ${queue} has not admitted Job ${name} yet: kubectl describe ${whom}`,
      since,
    };
  }
  return { reason: reasonOf(told), message: `queue ${queue} has not admitted it: ${told.message}`, since };
};

/** What no waiting mends, by Kueue's reasons and, of releases that give none, by its words. The first match holds. */
const HOPELESS: readonly (readonly [reason: string, words: RegExp, means: WaitReason])[] = [
  ['Misconfigured', /Queue \S+ doesn't exist/, 'NotReady'],
  ['ExceedsMaxQuota', /> maximum capacity \(/, 'QuotaExceeded'],
  ['NoMatchingFlavor', /unavailable in ClusterQueue|doesn't match node affinity|untolerated taint/, 'Unschedulable'],
];

const reasonOf = ({ reason, message = '' }: Condition): WaitReason => {
  // One flavor without hope is none while it waits for room in another.
  if (/insufficient unused quota/.test(message)) return 'Queued';
  return HOPELESS.find(([known, words]) => reason === known || words.test(message))?.[2] ?? 'Queued';
};
