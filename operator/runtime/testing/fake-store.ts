import { randomUUID } from 'node:crypto';
import { ApiError, type ApiStatus } from '../errors.ts';
import type { KubeObject, WatchEvent } from '../types.ts';

/** One kind's objects, in all namespaces, with the history a watch replays. */
interface Collection {
  readonly objects: Map<string, KubeObject>;
  history: Change[];
}

export interface Change {
  readonly version: number;
  readonly event: WatchEvent<KubeObject>;
}

type Json = Record<string, unknown>;

/** What the API server keeps: objects, one version counter for all of them, and what changed. */
export class FakeStore {
  readonly #collections = new Map<string, Collection>();
  readonly #listeners = new Set<(collection: string, change: Change) => void>();
  #version = 100;
  #compactedTo = 0;
  /** Writes that changed something. */
  effectiveWrites = 0;

  get version(): number {
    return this.#version;
  }

  /** Forgets history: watches and page tokens from before now are refused with 410. */
  compact(): void {
    this.#version += 1;
    this.#compactedTo = this.#version;
    for (const collection of this.#collections.values()) collection.history = [];
  }

  onChange(listener: (collection: string, change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  list(collection: string, namespace?: string): KubeObject[] {
    const all = [...this.#of(collection).objects.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, obj]) => obj);
    return namespace === undefined ? all : all.filter((obj) => obj.metadata.namespace === namespace);
  }

  /** Changes after `version`. @throws ApiError 410 when they are forgotten. */
  since(collection: string, version: number): Change[] {
    if (version < this.#compactedTo) throw failure(410, 'Expired', `too old resource version: ${version}`);
    return this.#of(collection).history.filter((change) => change.version > version);
  }

  get(collection: string, key: string): KubeObject {
    const obj = this.#of(collection).objects.get(key);
    if (obj === undefined) throw failure(404, 'NotFound', `${collection} "${key}" not found`);
    return obj;
  }

  create(collection: string, key: string, body: KubeObject): KubeObject {
    if (this.#of(collection).objects.has(key))
      throw failure(409, 'AlreadyExists', `${collection} "${key}" already exists`);
    const metadata = {
      ...body.metadata,
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: new Date().toISOString(),
    };
    return this.#save(collection, key, { ...body, metadata }, 'ADDED');
  }

  /** Replaces an object, or only its status. Equal content writes nothing, as in the real server. */
  replace(collection: string, key: string, body: KubeObject, subresource?: string): KubeObject {
    const old = this.get(collection, key) as KubeObject & Json;
    const { resourceVersion, uid } = body.metadata;
    if (uid !== undefined && uid !== old.metadata.uid) throw failure(409, 'Conflict', `${key}: uid does not match`);
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw failure(409, 'Conflict', `${key}: the object has been modified`);
    }
    const next =
      subresource === 'status' ? { ...old, status: (body as KubeObject & Json)['status'] } : this.#main(old, body);
    if (JSON.stringify(next) === JSON.stringify(old)) return old;
    const deleting = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    return deleting ? this.#drop(collection, key, next) : this.#save(collection, key, next, 'MODIFIED');
  }

  delete(collection: string, key: string, preconditions: { uid?: string; resourceVersion?: string } = {}): KubeObject {
    const old = this.get(collection, key);
    const { uid, resourceVersion } = preconditions;
    if (
      (uid ?? old.metadata.uid) !== old.metadata.uid ||
      (resourceVersion ?? old.metadata.resourceVersion) !== old.metadata.resourceVersion
    ) {
      throw failure(409, 'Conflict', `${key}: precondition failed`);
    }
    if ((old.metadata.finalizers ?? []).length === 0) return this.#drop(collection, key, old);
    if (old.metadata.deletionTimestamp !== undefined) return old;
    const metadata = { ...old.metadata, deletionTimestamp: new Date().toISOString() };
    return this.#save(collection, key, { ...old, metadata }, 'MODIFIED');
  }

  #main(old: KubeObject & Json, body: KubeObject): KubeObject & Json {
    const { uid, resourceVersion, creationTimestamp, deletionTimestamp, generation } = old.metadata;
    const kept = Object.fromEntries(
      Object.entries({ uid, resourceVersion, creationTimestamp, deletionTimestamp }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const next = { ...old, ...body, status: old['status'], metadata: { ...body.metadata, ...kept } } as KubeObject &
      Json;
    if (next['status'] === undefined) delete next['status'];
    const changed = JSON.stringify(next['spec']) !== JSON.stringify(old['spec']);
    return { ...next, metadata: { ...next.metadata, generation: (generation ?? 1) + (changed ? 1 : 0) } };
  }

  #save(collection: string, key: string, obj: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const saved = this.#stamped(obj);
    this.#of(collection).objects.set(key, saved);
    this.#record(collection, type, saved);
    return saved;
  }

  #drop(collection: string, key: string, obj: KubeObject): KubeObject {
    const last = this.#stamped(obj);
    this.#of(collection).objects.delete(key);
    this.#record(collection, 'DELETED', last);
    return last;
  }

  #stamped(obj: KubeObject): KubeObject {
    this.#version += 1;
    this.effectiveWrites += 1;
    return { ...obj, metadata: { ...obj.metadata, resourceVersion: String(this.#version) } };
  }

  #record(collection: string, type: WatchEvent<KubeObject>['type'], object: KubeObject): void {
    const change: Change = { version: this.#version, event: { type, object } };
    const { history } = this.#of(collection);
    history.push(change);
    if (history.length > 5_000) {
      this.#compactedTo = history[2_500]?.version ?? this.#compactedTo;
      history.splice(0, 2_500);
    }
    for (const listener of this.#listeners) listener(collection, change);
  }

  #of(name: string): Collection {
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      collection = { objects: new Map(), history: [] };
      this.#collections.set(name, collection);
    }
    return collection;
  }
}

export function failure(status: number, reason: string, message: string, more: Partial<ApiStatus> = {}): ApiError {
  return new ApiError({ status, reason, message, ...more });
}

/** RFC 7386. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as Json) } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}
