import type { FakeClock } from '@kriptik/operator/runtime/clock.ts';
import type { Cache, EventHandlers } from '@kriptik/operator/runtime/informer.ts';
import { type Change, Store } from '@kriptik/operator/runtime/store.ts';
import {
  type KubeObject,
  keyOf,
  type ObjectKey,
  type ResourceType,
  type WatchEvent,
} from '@kriptik/operator/runtime/types.ts';
import type { SimApiServer, Stored } from './api-server.ts';
import type { SimProcess } from './process.ts';

/** How late a watch delivers an event, in ms; `relist` says that what lies between is never seen, only the end. */
export type Lag = (plural: string) => { readonly ms: number; readonly relist?: boolean };

/** A cache fed by a watch that is late, each kind on its own: what a reconciler sees is always somewhat old. */
export class SimCache<T extends KubeObject> implements Cache<T> {
  readonly resource: ResourceType<T>;
  readonly hasSynced = true;
  readonly #server: SimApiServer;
  readonly #process: SimProcess;
  readonly #clock: FakeClock;
  readonly #lag: Lag;
  readonly #store = new Store<T>();
  readonly #handlers = new Set<EventHandlers<T>>();
  #waiting: WatchEvent<Stored>[] = [];
  #deliveredAt = 0;

  constructor(type: ResourceType<T>, server: SimApiServer, process: SimProcess, clock: FakeClock, lag: Lag) {
    this.resource = type;
    this.#server = server;
    this.#process = process;
    this.#clock = clock;
    this.#lag = lag;
    this.#store.replaceAll(this.#listed());
    server.onChange((plural, event) => {
      if (plural === type.plural && process.alive) this.#expect(event);
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

  #listed(): T[] {
    return this.#server.list(this.resource.plural) as KubeObject[] as T[];
  }

  /** Events of one kind arrive in their order, each no earlier than the one before. */
  #expect(event: WatchEvent<Stored>): void {
    const { ms, relist = false } = this.#lag(this.resource.plural);
    this.#waiting.push(event);
    this.#deliveredAt = Math.max(this.#deliveredAt, this.#clock.now() + ms);
    this.#clock.setTimer(this.#deliveredAt - this.#clock.now(), () => {
      if (!this.#process.alive) return;
      if (relist) {
        this.#waiting = [];
        this.#dispatch(this.#store.replaceAll(this.#listed()));
        return;
      }
      const next = this.#waiting.shift();
      if (next !== undefined) this.#apply(next);
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
