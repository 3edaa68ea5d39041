import type { Cache, EventHandlers } from '@kriptik/operator/runtime/informer.ts';
import { type Change, type IndexFunction, Store } from '@kriptik/operator/runtime/store.ts';
import {
  type KubeObject,
  keyOf,
  type ObjectKey,
  type ResourceType,
  type WatchEvent,
} from '@kriptik/operator/runtime/types.ts';
import type { SimApiServer, Stored } from './api-server.ts';
import type { SimClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { SimProcess } from './process.ts';

/** How late a watch is at best, ms. */
const USUAL_LAG_MS = 10;

/** A cache fed by a watch that is late, each kind on its own: what a reconciler sees is always somewhat old. */
export class SimCache<T extends KubeObject> implements Cache<T> {
  readonly resource: ResourceType<T>;
  readonly hasSynced = true;
  readonly #server: SimApiServer;
  readonly #process: SimProcess;
  readonly #clock: SimClock;
  readonly #faults: Faults;
  readonly #store: Store<T>;
  readonly #handlers = new Set<EventHandlers<T>>();
  #waiting: WatchEvent<Stored>[] = [];
  #deliveredAt = 0;

  constructor(
    type: ResourceType<T>,
    indexes: Readonly<Record<string, IndexFunction<T>>>,
    server: SimApiServer,
    process: SimProcess,
    clock: SimClock,
    faults: Faults,
  ) {
    this.resource = type;
    this.#store = new Store<T>(indexes);
    this.#server = server;
    this.#process = process;
    this.#clock = clock;
    this.#faults = faults;
    const staleUntil = faults.window('staleList');
    this.#store.replaceAll(this.#listed(staleUntil === undefined ? undefined : 2 * clock.now() - staleUntil));
    if (staleUntil !== undefined) this.#relistAt(staleUntil);
    const undo = server.onChange((plural, event) => {
      if (!process.alive) undo();
      else if (plural === type.plural) this.#expect(event);
    });
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(key);
  }

  list(filter: { namespace?: string | undefined } = {}): T[] {
    return this.#store.list(filter.namespace);
  }

  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  countByIndex(name: string, value: string): number {
    return this.#store.countByIndex(name, value);
  }

  onEvent(handlers: EventHandlers<T>): () => void {
    this.#handlers.add(handlers);
    for (const obj of this.#store.list()) handlers.add?.(obj);
    return () => void this.#handlers.delete(handlers);
  }

  waitForSync(): Promise<void> {
    return Promise.resolve();
  }

  start(): void {}

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #listed(asOf?: number): T[] {
    return this.#server.list(this.resource.plural, asOf) as KubeObject[] as T[];
  }

  /** Events of one kind arrive in their order, each no earlier than the one before. */
  #expect(event: WatchEvent<Stored>): void {
    const { plural } = this.resource;
    const window = this.#faults.watch(plural);
    const gone = this.#faults.window('apiGone');
    if (gone !== undefined || window?.how === 'lost') {
      this.#relistAt(Math.max(gone ?? 0, window?.until ?? 0));
      return;
    }
    const usual = this.#clock.now() + USUAL_LAG_MS + this.#faults.lag(plural);
    const at = window?.how === 'held' ? Math.max(usual, window.until) : usual;
    this.#waiting.push(event);
    this.#deliveredAt = Math.max(this.#deliveredAt, at);
    this.#clock.setTimer(this.#deliveredAt - this.#clock.now(), () => {
      const next = this.#process.alive ? this.#waiting.shift() : undefined;
      if (next === undefined) return;
      this.#apply(next);
      if (window?.how === 'twice') this.#apply(next);
    });
  }

  #relistAt(at: number): void {
    this.#clock.setTimer(at - this.#clock.now(), () => {
      if (!this.#process.alive) return;
      this.#waiting = [];
      this.#dispatch(this.#store.replaceAll(this.#listed()));
    });
  }

  #apply({ type, object }: WatchEvent<Stored>): void {
    const obj = object as KubeObject as T;
    if (type === 'DELETED') this.#dispatch(this.#store.remove(keyOf(obj), obj.metadata.uid, obj));
    else this.#dispatch(this.#store.put(obj));
  }

  #dispatch(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      for (const handlers of this.#handlers) {
        if (change.type === 'add') handlers.add?.(change.obj);
        else if (change.type === 'update') handlers.update?.(change.old, change.obj);
        else handlers.delete?.(change.obj);
      }
    }
  }
}
