import { getOrUndefined } from '../../runtime/apply.ts';
import type { ResourceClient } from '../../runtime/resource.ts';
import { type KubeObject, keyOf } from '../../runtime/types.ts';
import type { Clients } from './cluster.ts';
import type { Facts, LifeRecord } from './facts.ts';
import { isGoneMeanwhile, removeOurs } from './launch.ts';
import { isForeign } from './names.ts';
import { epochOf, type Job } from './objects.ts';
import { hasEnded, scheduledAt } from './pods.ts';
import { lifeOf, releasedPatch, stopPatch } from './record.ts';

/** SIGKILL needs a moment of its own; with a grace of 0 the API server forgets a pod before its end is verified. */
const LEAST_GRACE_SECONDS = 1;

/**
 * Asks for the end of what was seen. Noted down first, so that a launch under way undoes itself; then the Job, so that
 * no pod is made any more; then the pods that are there, with the grace given in ms.
 */
export const endAttempt = async (
  clients: Clients,
  namespace: string,
  facts: Facts,
  graceMs: number,
  now: number,
): Promise<void> => {
  await noteStop(clients, namespace, facts, now);
  const { job } = facts;
  if (job !== undefined && job.metadata.deletionTimestamp === undefined) await deleteJob(clients, job, 'Foreground');
  const seconds = Math.max(LEAST_GRACE_SECONDS, Math.ceil(graceMs / 1000));
  for (const pod of facts.pods) {
    if (hasEnded(pod)) continue;
    // A later end than the one already asked for is none.
    const until = epochOf(pod.metadata.deletionTimestamp);
    if (until !== undefined && until <= now + seconds * 1000) continue;
    await clients.pods.delete(keyOf(pod), { gracePeriodSeconds: seconds, ...uidOf(pod) }).catch(ignoreGone);
  }
};

const noteStop = async (clients: Clients, namespace: string, facts: Facts, now: number): Promise<void> => {
  const key = { namespace, name: facts.name };
  const life = facts.record ?? (await readLife(clients, key));
  if (life === undefined) return;
  const held = facts.pods.map(scheduledAt).filter((at) => at !== undefined);
  const patch = stopPatch(life, now, held.length === 0 ? undefined : Math.min(...held));
  if (patch !== undefined) await clients.records.patch(key, patch);
};

const readLife = async (
  clients: Clients,
  key: { namespace: string; name: string },
): Promise<LifeRecord | undefined> => {
  const record = await getOrUndefined(clients.records, key);
  return record === undefined || isForeign(record, key.name) ? undefined : lifeOf(record);
};

const deleteJob = (clients: Clients, job: Job, propagation: 'Foreground' | 'Background'): Promise<void> =>
  clients.jobs.delete(keyOf(job), { propagation, ...uidOf(job) }).catch(ignoreGone);

const uidOf = ({ metadata: { uid } }: KubeObject): { preconditions?: { uid: string } } =>
  uid === undefined ? {} : { preconditions: { uid } };

const ignoreGone = (error: unknown): void => {
  if (!isGoneMeanwhile(error)) throw error;
};

/** Uids of an attempt's own objects, where they are known; `service` says whether it has one. */
export type Parts = { secret?: string; policy?: string; service: boolean };

/**
 * Removes an ended attempt. Its record stays to the last and is then kept without the rest, so that a removal that was
 * cut short is seen and repeated, and the name is never used again.
 */
export const removeAttempt = async (
  clients: Clients,
  namespace: string,
  facts: Facts,
  parts: Parts,
  now: number,
): Promise<void> => {
  const { name, job } = facts;
  const key = { namespace, name };
  if (job !== undefined) await deleteJob(clients, job, 'Background');
  if (parts.service) await removeOurs(clients.services as ResourceClient<KubeObject>, key, name);
  await removeOurs(clients.secrets as ResourceClient<KubeObject>, key, name, parts.secret);
  await removeOurs(clients.policies as ResourceClient<KubeObject>, key, name, parts.policy);
  if (facts.record === undefined || facts.record.released) return;
  await clients.records.patch(key, releasedPatch(now)).catch(ignoreGone);
};
