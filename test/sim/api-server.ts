import { createHash } from 'node:crypto';
import type { Clock } from '@kriptik/operator/runtime/clock.ts';
import { sameJson } from '@kriptik/operator/runtime/json.ts';
import { applyMergePatch, failure } from '@kriptik/operator/runtime/testing/fake-store.ts';
import { type KubeObject, keyOf, keyString, type WatchEvent } from '@kriptik/operator/runtime/types.ts';

export type Stored = KubeObject & { spec?: unknown; status?: unknown };

/** One committed change, as an audit log would show it. */
export interface Write {
  readonly at: number;
  readonly by: string;
  readonly plural: string;
  readonly key: string;
  readonly subresource: string;
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
}

type Listener = (plural: string, event: WatchEvent<Stored>) => void;

/** Refuses a change the real server would refuse; the text says why. */
export type Admission = (before: Stored, after: Stored, subresource: string) => string | undefined;

/** How long the garbage collector takes to notice an orphan, ms. */
const COLLECT_MS = 300;

/**
 * What an API server does to objects: versions, generations, preconditions, the status subresource, finalizers and the
 * collection of children. Every change is on record for the checks that look from outside.
 */
export class SimApiServer {
  readonly writes: Write[] = [];
  readonly #clock: Clock;
  readonly #admit: Admission;
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Set<Listener>();
  #version = 1;
  #uids = 0;

  constructor(clock: Clock, admit: Admission) {
    this.#clock = clock;
    this.#admit = admit;
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** All objects of a kind, as they are or as they were at an earlier time (epoch ms). */
  list(plural: string, asOf?: number): Stored[] {
    if (asOf === undefined) return [...this.#of(plural).values()];
    const then = new Map<string, Stored>();
    for (const { at, plural: kind, key, after } of this.writes) {
      if (kind !== plural || at > asOf) continue;
      if (after === undefined) then.delete(key);
      else then.set(key, after);
    }
    return [...then.values()];
  }

  find(plural: string, key: string): Stored | undefined {
    return this.#of(plural).get(key);
  }

  get(plural: string, key: string): Stored {
    const object = this.find(plural, key);
    if (object === undefined) throw failure(404, 'NotFound', `${plural} "${key}" not found`);
    return object;
  }

  create(by: string, plural: string, body: Stored): Stored {
    const key = keyString(keyOf(body));
    if (this.find(plural, key) !== undefined) throw failure(409, 'AlreadyExists', `${plural} "${key}" already exists`);
    const { status: _ignored, ...rest } = body;
    const metadata = { ...body.metadata, uid: this.#uid(), generation: 1, creationTimestamp: this.#time() };
    const created = this.#store(by, plural, key, 'main', undefined, { ...rest, metadata });
    this.#clock.setTimer(COLLECT_MS, () => this.#collectIfOrphan(plural, key, created));
    return created;
  }

  /** Merge patch of the object or of its status; a resourceVersion or uid in it is a precondition. */
  patch(by: string, plural: string, key: string, subresource: string, patch: object): Stored {
    const old = this.get(plural, key);
    const wanted = applyMergePatch(old, patch) as Stored;
    for (const field of ['uid', 'resourceVersion'] as const) {
      if (wanted.metadata[field] !== old.metadata[field]) {
        throw failure(409, 'Conflict', `${plural} "${key}": the object has been modified`);
      }
    }
    const next = subresource === 'status' ? withStatus(old, wanted.status) : withoutStatus(old, wanted);
    if (sameJson(next, old)) return old;
    const refusal = this.#admit(old, next, subresource);
    if (refusal !== undefined) throw failure(422, 'Invalid', `${plural} "${key}" is invalid: ${refusal}`);
    if (next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0) {
      return this.#remove(by, plural, key, old);
    }
    return this.#store(by, plural, key, subresource, old, next);
  }

  delete(by: string, plural: string, key: string): void {
    const old = this.get(plural, key);
    if (old.metadata.deletionTimestamp !== undefined) return;
    if ((old.metadata.finalizers ?? []).length === 0) {
      this.#remove(by, plural, key, old);
      return;
    }
    const metadata = { ...old.metadata, deletionTimestamp: this.#time() };
    this.#store(by, plural, key, 'main', old, { ...old, metadata });
  }

  #remove(by: string, plural: string, key: string, old: Stored): Stored {
    this.#of(plural).delete(key);
    this.#record(by, plural, key, 'main', old, undefined);
    this.#tell(plural, { type: 'DELETED', object: this.#stamped(old) });
    this.#clock.setTimer(COLLECT_MS, () => this.#collect(old.metadata.uid ?? ''));
    return old;
  }

  /** Deletes what the removed object owned. */
  #collect(uid: string): void {
    for (const [plural, objects] of this.#objects) {
      for (const [key, object] of objects) {
        if (object.metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true) continue;
        this.delete('garbage-collector', plural, key);
      }
    }
  }

  /** A child made for an owner that was gone by then does not stay. */
  #collectIfOrphan(plural: string, key: string, { metadata }: Stored): void {
    const owners = metadata.ownerReferences ?? [];
    if (owners.length === 0 || this.find(plural, key)?.metadata.uid !== metadata.uid) return;
    const uids = new Set(
      [...this.#objects.values()].flatMap((all) => [...all.values()].map((one) => one.metadata.uid)),
    );
    if (!owners.some((owner) => uids.has(owner.uid))) this.delete('garbage-collector', plural, key);
  }

  #store(by: string, plural: string, key: string, subresource: string, old: Stored | undefined, next: Stored): Stored {
    const changed = old !== undefined && !sameJson(old.spec, next.spec);
    const generation = (old?.metadata.generation ?? 1) + (changed ? 1 : 0);
    const saved = this.#stamped({ ...next, metadata: { ...next.metadata, generation } });
    this.#of(plural).set(key, saved);
    this.#record(by, plural, key, subresource, old, saved);
    this.#tell(plural, { type: old === undefined ? 'ADDED' : 'MODIFIED', object: saved });
    return saved;
  }

  #stamped(object: Stored): Stored {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #record(
    by: string,
    plural: string,
    key: string,
    subresource: string,
    before: Stored | undefined,
    after: Stored | undefined,
  ): void {
    this.writes.push({ at: this.#clock.now(), by, plural, key, subresource, before, after });
  }

  #tell(plural: string, event: WatchEvent<Stored>): void {
    for (const listener of this.#listeners) listener(plural, event);
  }

  #of(plural: string): Map<string, Stored> {
    let objects = this.#objects.get(plural);
    if (objects === undefined) {
      objects = new Map();
      this.#objects.set(plural, objects);
    }
    return objects;
  }

  /** Spread over the first digits, as those of a real server are: names are made from them. */
  #uid(): string {
    this.#uids += 1;
    const hex = createHash('sha256').update(String(this.#uids)).digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  #time(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}

function withStatus(old: Stored, status: unknown): Stored {
  return { ...old, status };
}

function withoutStatus(old: Stored, wanted: Stored): Stored {
  return old.status === undefined ? wanted : { ...wanted, status: old.status };
}
