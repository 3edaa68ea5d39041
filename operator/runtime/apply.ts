import { isNotFound } from './errors.ts';
import { mergePatch, sameJson } from './json.ts';
import type { ApplyBody, ApplyOptions, PathClient, ResourceClient } from './resource.ts';
import type { CallOptions } from './rest.ts';
import { type KubeObject, keyOf } from './types.ts';

/**
 * Writes a status, but only if it differs from the one in `obj`, and only if nobody changed the object since `obj` was
 * read (its resourceVersion is the precondition). Returns the object as it is now: `obj` itself when equal.
 *
 * @throws ApiError 409 (`isConflict`) when the object changed meanwhile: read again and decide again.
 */
export async function patchStatusIfChanged<T extends KubeObject & { status?: unknown }>(
  client: { readonly status: Pick<PathClient<T>, 'patch'> },
  obj: T,
  status: NonNullable<T['status']>,
  options: CallOptions = {},
): Promise<T> {
  const patch = mergePatch({ status: obj.status ?? {} }, { status });
  if (patch === undefined && obj.status !== undefined) return obj;
  const { resourceVersion, uid } = obj.metadata;
  return await client.status.patch(
    keyOf(obj),
    { metadata: { resourceVersion, uid }, ...(patch ?? { status }) },
    options,
  );
}

/** Server-side apply that is skipped when `current` (from a cache, say) already holds every field of `body`. */
export async function applyIfChanged<T extends KubeObject, B extends ApplyBody>(
  client: Pick<ResourceClient<T>, 'apply'>,
  current: T | undefined,
  body: B,
  options: ApplyOptions = {},
): Promise<T> {
  if (current !== undefined && contains(current, body)) return current;
  return await client.apply(body, options);
}

/** Whether `whole` holds every member of `part` with the same value; lists must be equal. */
export function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return sameJson(whole, part);
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false;
  const have = whole as Record<string, unknown>;
  return Object.entries(part).every(([key, value]) => value === undefined || contains(have[key], value));
}

/** The object, or `undefined` when there is none. */
export async function getOrUndefined<T extends KubeObject>(
  client: Pick<PathClient<T>, 'get'>,
  ...args: Parameters<PathClient<T>['get']>
): Promise<T | undefined> {
  try {
    return await client.get(...args);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
