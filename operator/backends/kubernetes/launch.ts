import { getOrUndefined } from '../../runtime/apply.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../runtime/errors.ts';
import type { ResourceClient } from '../../runtime/resource.ts';
import { type KubeObject, keyOf, type Unstored } from '../../runtime/types.ts';
import type { LaunchRequest } from '../backend.ts';
import { misconfigured } from '../errors.ts';
import type { Clients } from './cluster.ts';
import { jobOf, secretOf, serviceOf } from './desired.ts';
import { networkPolicyOf } from './desired-network.ts';
import { isForeign } from './names.ts';
import type { ConfigMap, Job, NetworkPolicy, Secret } from './objects.ts';
import { createdPatch, lifeOf, recordOf } from './record.ts';
import { gpusPerPod, type KubernetesSettings, NO_SHAPE } from './settings.ts';

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

/** What an attempt is made of. */
export type Made = { job: Job; secret: Secret; policy: NetworkPolicy; record: ConfigMap };

/** Takes the name by its record, which is made before anything else; undefined where it was taken before. */
export const takeName = async (
  clients: Clients,
  settings: KubernetesSettings,
  request: LaunchRequest,
): Promise<ConfigMap | undefined> => {
  try {
    return await clients.records.create(recordOf(request, settings));
  } catch (error) {
    if (isAlreadyExists(error)) return undefined;
    throw error;
  }
};

/**
 * Makes everything of an attempt whose name is taken, the Job last. Each step takes what an earlier try has made, so it
 * may be repeated after any failure and raced. An attempt that was asked to end before its Job was made stays without
 * one: the Job is then deleted again. Undefined where there is none now.
 *
 * @throws BackendError Misconfigured where the name has ended or is taken by something else; ApiError for the rest.
 */
export const createAttempt = async (
  clients: Clients,
  settings: KubernetesSettings,
  request: LaunchRequest,
  image: string,
  now: number,
  taken: ConfigMap | undefined,
): Promise<Made | undefined> => {
  const record = taken ?? (await createOrAdopt(clients.records, recordOf(request, settings), request));
  const life = lifeOf(record);
  if (life.released) {
    throw misconfigured(`attempt ${request.name} has ended and was released`, 'Start a new attempt instead.');
  }
  // A Job that was made and is gone was ended: by the operator, a person or the cluster.
  if (life.created !== undefined || life.stoppedAt !== undefined) return undefined;
  const several = (request.shape ?? NO_SHAPE).nodes > 1;
  const [policy, secret] = await allOf([
    createOrAdopt(clients.policies, networkPolicyOf(request, settings), request),
    createOrAdopt(clients.secrets, secretOf(request, settings), request),
    several ? createOrAdopt(clients.services, serviceOf(request, settings), request) : undefined,
  ]);
  const job = await createOrAdopt(clients.jobs, jobOf(request, settings, image, now), request);
  const noted = await clients.records.patch(keyOf(record), createdPatch(job.metadata.uid ?? ''));
  const after = lifeOf(noted);
  if (after.stoppedAt === undefined && !after.released) return { job, secret, policy, record: noted };
  await clients.jobs.delete(keyOf(job), { propagation: 'Foreground' });
  return undefined;
};

/** All at once; throws only when none is under way any more, so that an undoing finds what they made. */
const allOf = async <T extends readonly unknown[]>(parts: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(parts);
  return await Promise.all(parts);
};

/** Removes what a launch made before its Job was refused; the Job itself is verified absent first. */
export const undoAttempt = async (clients: Clients, namespace: string, name: string): Promise<void> => {
  const key = { namespace, name };
  const job = await getOrUndefined(clients.jobs, key);
  if (job !== undefined && !isForeign(job, name)) return;
  for (const client of [clients.services, clients.secrets, clients.policies, clients.records]) {
    await removeOurs(client as ResourceClient<KubeObject>, key, name);
  }
};

/** Deletes an object unless it is gone or was made for something else. With the uid of ours it need not be read. */
export const removeOurs = async (
  client: ResourceClient<KubeObject>,
  key: { namespace: string; name: string },
  name: string,
  known?: string,
): Promise<void> => {
  const there = known === undefined ? await getOrUndefined(client, key) : undefined;
  if (known === undefined && (there === undefined || isForeign(there, name))) return;
  const uid = known ?? there?.metadata.uid;
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
