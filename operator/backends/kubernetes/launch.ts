import { getOrUndefined } from '../../runtime/apply.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../runtime/errors.ts';
import type { ResourceClient } from '../../runtime/resource.ts';
import { type KubeObject, keyOf, type Unstored } from '../../runtime/types.ts';
import type { LaunchRequest } from '../backend.ts';
import { misconfigured } from '../errors.ts';
import type { Clients } from './cluster.ts';
import { jobOf, secretOf, serviceOf } from './desired.ts';
import { networkPolicyOf } from './desired-network.ts';
import { LABEL } from './names.ts';
import type { Job } from './objects.ts';
import { createdPatch, lifeOf, recordOf } from './record.ts';
import { gpusPerPod, type KubernetesSettings, NO_SHAPE } from './settings.ts';

/** Whether an object of the attempt's name was made for something else. */
export const isForeign = ({ metadata }: KubeObject, name: string, jobUid?: string): boolean =>
  metadata.labels?.[LABEL.attempt] !== name || (jobUid !== undefined && metadata.labels[LABEL.jobUid] !== jobUid);

/** Creates the object, or takes the one that is there if it was made for the same attempt. */
const createOrAdopt = async <T extends KubeObject>(
  client: ResourceClient<T>,
  wanted: Unstored<T>,
  request: LaunchRequest,
): Promise<T> => {
  try {
    return await client.create(wanted);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const there = await client.get(wanted.metadata);
    if (isForeign(there, request.name, request.job.uid)) {
      const what = `${client.resource.kind} ${there.metadata.namespace}/${there.metadata.name}`;
      throw misconfigured(`${what} exists and is not of this attempt`, 'Remove or rename it.', error);
    }
    return there;
  }
};

/**
 * Makes everything of an attempt, the Job last. Each step takes what an earlier try has made, so it may be repeated
 * after any failure and raced. An attempt that was asked to end before its Job was made stays without one: the Job is
 * then deleted again.
 *
 * @throws BackendError Misconfigured where the name has ended or is taken; ApiError for the rest.
 */
export const createAttempt = async (
  clients: Clients,
  settings: KubernetesSettings,
  request: LaunchRequest,
  image: string,
  now: number,
): Promise<Job | undefined> => {
  const record = await createOrAdopt(clients.records, recordOf(request, settings), request);
  const life = lifeOf(record);
  if (life.released) {
    throw misconfigured(`attempt ${request.name} has ended and was released`, 'Start a new attempt instead.');
  }
  // A Job that was made and is gone was ended: by the operator, a person or the cluster.
  if (life.created !== undefined || life.stoppedAt !== undefined) return undefined;
  await createOrAdopt(clients.policies, networkPolicyOf(request, settings), request);
  await createOrAdopt(clients.secrets, secretOf(request, settings), request);
  if ((request.shape ?? NO_SHAPE).nodes > 1) {
    await createOrAdopt(clients.services, serviceOf(request, settings), request);
  }
  const job = await createOrAdopt(clients.jobs, jobOf(request, settings, image, now), request);
  const after = lifeOf(await clients.records.patch(keyOf(record), createdPatch(job.metadata.uid ?? '')));
  if (after.stoppedAt === undefined && !after.released) return job;
  await clients.jobs.delete(keyOf(job), { propagation: 'Foreground' });
  return undefined;
};

/** Removes what a launch made before its Job was refused; the Job itself is verified absent first. */
export const undoAttempt = async (clients: Clients, namespace: string, name: string): Promise<void> => {
  const key = { namespace, name };
  if ((await getOrUndefined(clients.jobs, key)) !== undefined) return;
  for (const client of [clients.services, clients.secrets, clients.policies, clients.records]) {
    await removeOurs(client as ResourceClient<KubeObject>, key, name);
  }
};

/** Deletes an object unless it is gone or was made for something else. */
export const removeOurs = async (
  client: ResourceClient<KubeObject>,
  key: { namespace: string; name: string },
  name: string,
): Promise<void> => {
  const there = await getOrUndefined(client, key);
  if (there === undefined || isForeign(there, name)) return;
  const { uid } = there.metadata;
  try {
    await client.delete(key, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    if (!isGoneMeanwhile(error)) throw error;
  }
};

/** Deleted by somebody else, or deleted and made anew. */
export const isGoneMeanwhile = (error: unknown): boolean => isNotFound(error) || isConflict(error);

/** @throws BackendError Misconfigured where the request cannot be run on this provider. */
export const checkRequest = (request: LaunchRequest, settings: KubernetesSettings): void => {
  const shape = request.shape ?? NO_SHAPE;
  if (gpusPerPod(shape) > 0 && settings.productsOf(shape.gpu).length === 0) {
    throw misconfigured(
      `it is not known how nodes of this cluster name ${shape.gpu}`,
      'Name the values of their product label in kubernetes.gpuProducts of the ComputeProvider.',
    );
  }
};
