import { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { errorMessage, isApiError, isGone } from './errors.ts';
import type { Logger } from './log.ts';
import type { ResourceClient } from './resource.ts';
import { type Change, type IndexFunction, Store } from './store.ts';
import { type KubeObject, keyOf, type ObjectKey, type ResourceType, type WatchEvent } from './types.ts';
import { isOlder } from './versions.ts';
import { watch } from './watch.ts';

export interface EventHandlers<T> {
  add?(obj: T): void;
  update?(old: T, obj: T): void;
  /** `obj` is the last known state; it may be older than the state at deletion. */
  delete?(obj: T): void;
}

/** What controllers need of an informer. */
export interface Cache<T extends KubeObject = KubeObject> {
  readonly resource: ResourceType;
  readonly hasSynced: boolean;
  get(key: ObjectKey): T | undefined;
  list(filter?: { namespace?: string | undefined }): T[];
  byIndex(name: string, value: string): T[];
  countByIndex(name: string, value: string): number;
  onEvent(handlers: EventHandlers<T>): () => void;
  waitForSync(signal?: AbortSignal): Promise<void>;
  start(): void;
  stop(): Promise<void>;
  /** Somebody has met signs that the cache missed something: it lists anew, soon and not too often. */
  suspect?(): void;
}

export interface InformerOptions<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  readonly log: Logger;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Secondary indexes by name. `ownerUid` is always there. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** A full list after this time heals whatever a watch may have missed, ms. @default one hour */
  readonly relistMs?: number;
  /** A suspicion within this time after a list has no effect: what it told is that fresh, ms. @default 5000 */
  readonly freshMs?: number;
  readonly pageSize?: number;
  readonly watchTimeoutSeconds?: number;
  readonly idleMs?: number;
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  readonly random?: () => number;
}

/** A watch that ends sooner than this without a word counts as a failure, so reconnects stay slow. */
const SHORT_WATCH_MS = 1_000;
/** A watch that held for so long was healthy, even without a word: the next failure is a first one. */
const STEADY_WATCH_MS = 10_000;

/**
 * Keeps a local copy of all objects of a kind: list, then watch, again and again until stopped. No error ends it;
 * failures are logged, counted and retried with backoff. Objects it hands out are frozen.
 */
export class Informer<T extends KubeObject> implements Cache<T> {
  readonly resource: ResourceType<T>;
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #store: Store<T>;
  readonly #handlers = new Set<EventHandlers<T>>();
  readonly #backoff: Backoff;
  readonly #label: string;
  #version: string | undefined;
  #listedAt = 0;
  #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #stopper: AbortController | undefined;
  /** Ends the watch under way, and nothing else. */
  #round = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.resource = options.client.resource;
    this.#clock = options.client.kube.clock;
    this.#store = new Store<T>(options.indexes);
    this.#label = this.resource.plural;
    const { baseMs, maxMs } = options.backoff ?? { baseMs: 800, maxMs: 30_000 };
    this.#backoff = new Backoff({ baseMs, maxMs, ...(options.random === undefined ? {} : { random: options.random }) });
  }

  /** True once the first full list is in the cache and its handlers have run. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#store.size;
  }

  /** Resolves with the first full list; rejects with the signal's reason when aborted first. */
  async waitForSync(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return;
    if (signal === undefined) return await this.#synced.promise;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
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

  /** Adds handlers; they hear an `add` for each object already there. Returns the way to remove them. */
  onEvent(handlers: EventHandlers<T>): () => void {
    this.#handlers.add(handlers);
    for (const obj of this.#store.list()) this.#tell(handlers, { type: 'add', obj });
    return () => void this.#handlers.delete(handlers);
  }

  /** Starts, or starts again after a stop; the cache then catches up by a list. */
  start(): void {
    if (this.#stopper !== undefined) return;
    this.#stopper = new AbortController();
    this.#version = undefined;
    this.#running = this.#run(this.#stopper.signal);
  }

  async stop(): Promise<void> {
    this.#stopper?.abort(new Error('informer stopped'));
    this.#stopper = undefined;
    await this.#running;
  }

  suspect(): void {
    const { freshMs = 5_000 } = this.#options;
    if (!this.#hasSynced || this.#clock.now() - this.#listedAt < freshMs) return;
    this.#version = undefined;
    this.#options.client.kube.metrics?.informerReconnects.inc({ resource: this.#label, reason: 'suspect' });
    this.#round.abort(new Error('the cache may have missed something'));
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined || this.#relistDue()) await this.#list(signal);
        this.#round = new AbortController();
        await this.#watch(AbortSignal.any([signal, this.#round.signal]));
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const reason = isGone(error) ? 'gone' : error instanceof OutOfOrder ? 'order' : 'error';
    if (reason !== 'error') this.#version = undefined;
    const waitMs = Math.max(this.#backoff.next(), isApiError(error) ? (error.retryAfterMs ?? 0) : 0);
    this.#options.client.kube.metrics?.informerReconnects.inc({ resource: this.#label, reason });
    this.#options.log.warn(
      { resource: this.#label, reason, retryInMs: Math.round(waitMs), err: errorMessage(error) },
      'watch interrupted',
    );
    await this.#clock.sleep(waitMs, signal).catch(() => {});
  }

  #relistDue(): boolean {
    return this.#clock.now() - this.#listedAt >= (this.#options.relistMs ?? 3_600_000);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, pageSize = 500 } = this.#options;
    const list = await client.list({ namespace, labelSelector, fieldSelector, limit: pageSize, signal });
    signal.throwIfAborted();
    client.kube.metrics?.informerLists.inc({ resource: this.#label });
    this.#dispatch(this.#store.replaceAll(list.items));
    this.#version = list.metadata.resourceVersion;
    this.#listedAt = this.#clock.now();
    this.#heard();
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, watchTimeoutSeconds, idleMs, random } = this.#options;
    const openedAt = this.#clock.now();
    let events = 0;
    const stream = watch(client.kube, this.resource, {
      resourceVersion: this.#version ?? '',
      namespace,
      labelSelector,
      fieldSelector,
      signal,
      ...(watchTimeoutSeconds === undefined ? {} : { timeoutSeconds: watchTimeoutSeconds }),
      ...(idleMs === undefined ? {} : { idleMs }),
      ...(random === undefined ? {} : { random }),
    });
    const openFor = (): number => this.#clock.now() - openedAt;
    try {
      for await (const event of stream) {
        if (signal.aborted) return;
        events += 1;
        this.#apply(event);
        this.#backoff.reset();
      }
    } finally {
      if (openFor() > STEADY_WATCH_MS) this.#backoff.reset();
    }
    if (signal.aborted) return;
    if (events === 0 && openFor() < SHORT_WATCH_MS) throw new Error('the watch ended at once');
    client.kube.metrics?.informerReconnects.inc({ resource: this.#label, reason: 'timeout' });
  }

  #apply(event: WatchEvent<T>): void {
    const version = event.object.metadata.resourceVersion;
    this.#options.client.kube.metrics?.informerEvents.inc({ resource: this.#label, type: event.type });
    if (isOlder(version, this.#version)) throw new OutOfOrder(`event of version ${version} after ${this.#version}`);
    if (event.type === 'DELETED') {
      this.#dispatch(this.#store.remove(keyOf(event.object), event.object.metadata.uid, event.object));
    } else if (event.type !== 'BOOKMARK') {
      this.#dispatch(this.#store.put(event.object));
    }
    if (version !== undefined && version !== '') this.#version = version;
    this.#heard();
  }

  #heard(): void {
    const { metrics } = this.#options.client.kube;
    metrics?.informerLastEvent.set({ resource: this.#label }, this.#clock.now() / 1000);
    metrics?.informerObjects.set({ resource: this.#label }, this.#store.size);
  }

  #dispatch(changes: readonly Change<T>[]): void {
    for (const change of changes) for (const handlers of this.#handlers) this.#tell(handlers, change);
  }

  #tell(handlers: EventHandlers<T>, change: Change<T>): void {
    try {
      if (change.type === 'add') handlers.add?.(change.obj);
      else if (change.type === 'update') handlers.update?.(change.old, change.obj);
      else handlers.delete?.(change.obj);
    } catch (error) {
      this.#options.client.kube.metrics?.handlerErrors.inc({ resource: this.#label });
      this.#options.log.error({ resource: this.#label, err: error }, 'event handler threw');
    }
  }
}

/** The stream went back in time: something between us and the server reorders. Only a list can tell the truth. */
class OutOfOrder extends Error {}
