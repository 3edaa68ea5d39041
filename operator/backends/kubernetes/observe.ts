import type { KubeObject } from '../../runtime/types.ts';
import type { Instance, InstanceExit } from '../backend.ts';
import { exitOf } from './exit.ts';
import type { Facts, LifeRecord } from './facts.ts';
import { ANNOTATION, LABEL } from './names.ts';
import { epochOf, holds, type Job, type Pod } from './objects.ts';
import { hasEnded, leaderOf, scheduledAt, trainerState } from './pods.ts';
import { type Wanted, waitingOf } from './waiting.ts';

/** What is needed besides the facts. */
export type View = {
  wanted: Wanted;
  /** Base URL at which the operator reaches the control server of a pod. */
  endpointOf: (pod: Pod) => string | undefined;
  /** Epoch ms. */
  now: number;
};

/** What the facts say of the attempt; undefined where nothing of it runs and nothing is kept. */
export const instanceOf = (facts: Facts, view: View): Instance | undefined => {
  const { job, pods, record, name } = facts;
  if (record?.released === true && pods.every(hasEnded)) return undefined;
  const identity = job ?? pods[0];
  const owner = identity === undefined ? record?.job : ownerOf(identity);
  if (owner === undefined) return undefined;
  const from = billedFrom(facts);
  const base = {
    name,
    id: job?.metadata.uid ?? record?.created ?? name,
    job: owner,
    ...(from !== undefined && { billedFrom: from }),
  };
  if (identity === undefined) return absent(facts, base, view);

  const startedAt = earliest(pods.map(startOf));
  const known = { ...base, ...(startedAt !== undefined && { startedAt }) };
  if (isOver(facts, view.now)) return { ...known, state: 'exited', exit: record?.exit ?? exitOf(facts, view.now) };
  const waiting = waitingOf(facts, view.wanted);
  const why = waiting === undefined ? {} : { waiting };
  if (from === undefined && job !== undefined) return { ...known, ...why, state: 'queued' };
  const leader = leaderOf(pods);
  if (leader === undefined || trainerState(leader).running === undefined)
    return { ...known, ...why, state: 'starting' };
  const endpoint = view.endpointOf(leader);
  return { ...known, ...why, state: 'running', ...(endpoint !== undefined && { endpoint }) };
};

/** Neither Job nor pods: ended if it was ever made or asked to end, else not begun. */
const absent = (facts: Facts, base: Omit<Instance, 'state'>, { now }: View): Instance | undefined => {
  const { record } = facts;
  if (record?.created === undefined && record?.stoppedAt === undefined) return undefined;
  return { ...base, state: 'exited', exit: record.exit ?? exitOf(facts, now) };
};

/**
 * Whether nothing of it runs, and nothing of it can begin to: the Job says it is done, or each of its pods has ended
 * (an ended pod is never replaced). A pod that is merely marked for deletion still runs.
 */
const isOver = ({ job, pods, record }: Facts, now: number): boolean => {
  if (pods.some((pod) => !hasEnded(pod))) return false;
  if (job === undefined || isKept(job, record, now) || wasOver(job, record)) return true;
  if (holds(job.status?.conditions, 'Complete') || holds(job.status?.conditions, 'Failed')) return true;
  return pods.length > 0 && pods.length >= (job.spec.completions ?? 1);
};

/** How long after its deletion was asked for the Job controller may not have heard of it, in ms. */
const UNHEARD_MS = 5_000;

/**
 * Whether only somebody's finalizer keeps a Job that the operator deleted, as that of a queue whose controller is away:
 * no pod is made for it any more, and money must not wait for it.
 */
const isKept = ({ metadata }: Job, record: LifeRecord | undefined, now: number): boolean =>
  metadata.deletionTimestamp !== undefined && record?.stoppedAt !== undefined && now - record.stoppedAt >= UNHEARD_MS;

/**
 * Whether it was seen to have ended while its Job was already going: its pods may go before the Job does. One whose queue
 * took its nodes back has no such pods, and until its Job is gone may be given new ones.
 */
const wasOver = ({ metadata }: Job, record: LifeRecord | undefined): boolean =>
  metadata.deletionTimestamp !== undefined && record?.exit !== undefined && record.exit.reason !== 'preempted';

/** What is left of an attempt that was let go of: a Job that goes as soon as whoever keeps it lets it. */
export const isLeavingOnly = ({ job, pods, record }: Facts): boolean =>
  job?.metadata.deletionTimestamp !== undefined && pods.length === 0 && record === undefined;

/** What a launch that never came to its Job left behind; only the sweep asks, a launch goes on where it stopped. */
export const leftOver = ({ name, job, pods, record }: Facts, now: number): Instance | undefined => {
  if (record === undefined || record.released || job !== undefined || pods.length > 0) return undefined;
  const exit: InstanceExit = { code: null, signal: null, at: now, reason: 'neverStarted' };
  return { name, id: name, job: record.job, state: 'exited', exit };
};

/** The TrainingJob that an object of an attempt was made for. */
export const ownerOf = ({ metadata }: KubeObject): Instance['job'] => {
  const [namespace = '', name = ''] = (metadata.annotations?.[ANNOTATION.job] ?? '').split('/');
  return { namespace, name, uid: metadata.labels?.[LABEL.jobUid] ?? '' };
};

const billedFrom = ({ pods, record }: Facts): number | undefined =>
  earliest([...pods.map(scheduledAt), record?.billedFrom]);

const startOf = (pod: Pod): number | undefined => {
  const { running, terminated } = trainerState(pod);
  return epochOf(running?.startedAt ?? terminated?.startedAt);
};

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
