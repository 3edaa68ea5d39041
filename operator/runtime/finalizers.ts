import type { PathClient } from './resource.ts';
import type { CallOptions } from './rest.ts';
import { type KubeObject, keyOf } from './types.ts';

type Patcher<T extends KubeObject> = Pick<PathClient<T>, 'patch'>;

export function hasFinalizer(obj: KubeObject, finalizer: string): boolean {
  return obj.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether someone has asked for the object to be deleted. */
export function isBeingDeleted(obj: KubeObject): boolean {
  return obj.metadata.deletionTimestamp !== undefined;
}

/**
 * Adds a finalizer; returns the object as it is now. Writes nothing when it is there, or when the object is being
 * deleted (the API server would refuse).
 *
 * @throws ApiError 409 when the object changed since it was read.
 */
export async function addFinalizer<T extends KubeObject>(
  client: Patcher<T>,
  obj: T,
  finalizer: string,
  options: CallOptions = {},
): Promise<T> {
  if (hasFinalizer(obj, finalizer) || isBeingDeleted(obj)) return obj;
  return await setFinalizers(client, obj, [...(obj.metadata.finalizers ?? []), finalizer], options);
}

/** Removes a finalizer; returns the object as it is now. The last one of a deleted object lets it go. */
export async function removeFinalizer<T extends KubeObject>(
  client: Patcher<T>,
  obj: T,
  finalizer: string,
  options: CallOptions = {},
): Promise<T> {
  if (!hasFinalizer(obj, finalizer)) return obj;
  const left = (obj.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  return await setFinalizers(client, obj, left, options);
}

/** A merge patch replaces the whole list, so the resourceVersion guards the finalizers of others. */
async function setFinalizers<T extends KubeObject>(
  client: Patcher<T>,
  obj: T,
  finalizers: string[],
  options: CallOptions,
): Promise<T> {
  const { resourceVersion, uid } = obj.metadata;
  return await client.patch(keyOf(obj), { metadata: { resourceVersion, uid, finalizers } }, options);
}
