import { deepFreeze } from './freeze.ts';
import { type KubeObject, keyOf, keyString, type ObjectKey } from './types.ts';

/** Computes the index values of an object; an object may appear under several. */
export type IndexFunction<T> = (obj: T) => readonly string[];

/** What putting an object into the store amounted to. */
export type Change<T> =
  | { readonly type: 'add'; readonly obj: T }
  | { readonly type: 'update'; readonly old: T; readonly obj: T }
  | { readonly type: 'delete'; readonly obj: T };

/** Name of the index every store has: the uids of an object's owners. */
export const OWNER_INDEX = 'ownerUid';

const byOwner: IndexFunction<KubeObject> = (obj) => (obj.metadata.ownerReferences ?? []).map(({ uid }) => uid);

/** Objects by key, with secondary indexes. Objects handed out are frozen and shared. */
export class Store<T extends KubeObject> {
  readonly #items = new Map<string, T>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  readonly #functions: ReadonlyMap<string, IndexFunction<T>>;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#functions = new Map<string, IndexFunction<T>>([[OWNER_INDEX, byOwner], ...Object.entries(indexes)]);
    for (const name of this.#functions.keys()) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#items.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#items.get(keyString(key));
  }

  list(namespace?: string): T[] {
    const all = [...this.#items.values()];
    return namespace === undefined ? all : all.filter((obj) => obj.metadata.namespace === namespace);
  }

  /** @throws Error when there is no such index: a mistake in the code, not in the data. */
  byIndex(name: string, value: string): T[] {
    const found: T[] = [];
    for (const key of this.#indexOf(name).get(value) ?? []) {
      const obj = this.#items.get(key);
      if (obj !== undefined) found.push(obj);
    }
    return found;
  }

  /** How many there are under an index value. @throws Error as `byIndex`. */
  countByIndex(name: string, value: string): number {
    return this.#indexOf(name).get(value)?.size ?? 0;
  }

  /**
   * Stores an object. The same version again changes nothing; another uid under the same name means the old object
   * was deleted in between, and is told as such.
   */
  put(obj: T): Change<T>[] {
    const key = keyString(keyOf(obj));
    const old = this.#items.get(key);
    if (old !== undefined && sameVersion(old, obj)) return [];
    const changes: Change<T>[] = [];
    const frozen = deepFreeze(obj);
    this.#items.set(key, frozen);
    this.#reindex(key, old, frozen);
    if (old === undefined) return [{ type: 'add', obj: frozen }];
    if (old.metadata.uid === frozen.metadata.uid) return [{ type: 'update', old, obj: frozen }];
    changes.push({ type: 'delete', obj: old }, { type: 'add', obj: frozen });
    return changes;
  }

  /** Removes an object. A deletion of another object of that name (by uid) leaves the present one alone. */
  remove(key: ObjectKey, uid?: string, last?: T): Change<T>[] {
    const text = keyString(key);
    const old = this.#items.get(text);
    if (old === undefined || (uid !== undefined && old.metadata.uid !== uid)) return [];
    this.#items.delete(text);
    this.#reindex(text, old, undefined);
    return [{ type: 'delete', obj: last === undefined ? old : deepFreeze(last) }];
  }

  /** Makes the store hold exactly `items`; what vanished unseen is told as a deletion of its last known state. */
  replaceAll(items: readonly T[]): Change<T>[] {
    const keep = new Set(items.map((obj) => keyString(keyOf(obj))));
    const gone = this.list().filter((obj) => !keep.has(keyString(keyOf(obj))));
    return [...gone.flatMap((obj) => this.remove(keyOf(obj))), ...items.flatMap((obj) => this.put(obj))];
  }

  #indexOf(name: string): Map<string, Set<string>> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`no index "${name}"; there are: ${[...this.#indexes.keys()].join(', ')}`);
    return index;
  }

  /** Values that stay are left alone, and so is the order of what is found by them. */
  #reindex(key: string, old: T | undefined, obj: T | undefined): void {
    for (const [name, values] of this.#functions) {
      const index = this.#indexOf(name);
      const before = old === undefined ? [] : values(old);
      const after = obj === undefined ? [] : values(obj);
      for (const value of before) {
        if (after.includes(value)) continue;
        const keys = index.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
      for (const value of after) {
        const keys = index.get(value);
        if (keys === undefined) index.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }
}

const sameVersion = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
