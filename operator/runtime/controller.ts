import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { errorMessage, isConflict, TerminalError, WaitingError } from './errors.ts';
import type { Cache } from './informer.ts';
import type { Logger } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { OwnWrites } from './ownwrites.ts';
import { type KubeObject, keyOf, keyString, type ObjectKey, parseKey, type ResourceType } from './types.ts';
import { type Priority, WorkQueue, type WorkQueueOptions } from './workqueue.ts';

export interface ReconcileContext {
  /** Aborted when the controller stops, or when the reconcile has run for too long. */
  readonly signal: AbortSignal;
  /** Carries the controller's name, the key and the reconcile id. */
  readonly log: Logger;
  readonly clock: Clock;
  readonly reconcileId: string;
}

export interface ReconcileResult {
  /** Look again after this many milliseconds, whatever else happens. */
  readonly requeueAfterMs?: number | undefined;
  /** Look again after this many milliseconds before whatever else waits then: what must not come late. */
  readonly urgentAfterMs?: number | undefined;
}

/**
 * Brings one object to its desired state. May be called at any time, again and again, for objects that do not exist;
 * never for the same key twice at once. Throw `TerminalError` where a retry cannot help, `WaitingError` to look again
 * later without noise; anything else is retried with backoff.
 */
export interface Reconciler {
  // biome-ignore lint/suspicious/noConfusingVoidType: a reconciler without an opinion returns nothing.
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult | void>;
}

/** Objects of another kind whose changes concern objects of the controller's kind. */
export interface WatchSource {
  readonly informer: Cache;
  /** Keys to look at after a change of `obj`. */
  map(obj: KubeObject): readonly ObjectKey[];
  /** Whether an update is a reason to look. Absent: each is. */
  concerns?: ((before: KubeObject, after: KubeObject) => boolean) | undefined;
}

/** Makes a typed {@link WatchSource}. */
export function watchOf<T extends KubeObject>(
  informer: Cache<T>,
  map: (obj: T) => readonly ObjectKey[],
  concerns?: (before: T, after: T) => boolean,
): WatchSource {
  return { informer, map, concerns } as WatchSource;
}

export interface ControllerOptions {
  readonly name: string;
  /** The kind reconciled. */
  readonly informer: Cache;
  /** Kinds whose objects carry a controlling owner reference to the kind reconciled. */
  readonly owns?: readonly Cache[];
  readonly watches?: readonly WatchSource[];
  /** Hears of keys that something outside the API concerns; several times within a moment lead to one look. */
  readonly wakes?: (wake: (key: ObjectKey) => void) => () => void;
  readonly reconciler: Reconciler;
  /** Reconciles at a time. @default 1 */
  readonly workers?: number;
  /** How many of them do nothing but urgent looks. @default 0 */
  readonly urgentWorkers?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: RuntimeMetrics | undefined;
  /** Every object is looked at again after this time, at low priority, ms. @default 10 hours */
  readonly resyncMs?: number;
  /** Time after which a reconcile's signal is aborted, ms. @default 5 minutes */
  readonly reconcileTimeoutMs?: number;
  readonly queue?: Pick<WorkQueueOptions, 'baseDelayMs' | 'maxDelayMs' | 'retryQps' | 'retryBurst'>;
  readonly newId?: () => string;
  /** A key whose own writes the cache has not seen yet is put off for a moment. Note each write in it. */
  readonly ownWrites?: Pick<OwnWrites, 'isBehind'> | undefined;
}

/** Conflicts for so long, ms, are no race: the cache lacks a change that no event will bring any more. */
const CONFLICTS_MS = 2_000;

/** What wakes a key seldom comes alone: a pod that gets its node runs right after. In ms. */
const MOMENT_MS = 200;

/** How long a key waits for the cache to catch up before the next look, ms. */
const BEHIND_MS = 20;

/** Feeds changed keys to a reconciler and acts on what it returns or throws. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #stopper = new AbortController();
  readonly #undo: (() => void)[] = [];
  /** When keys that meet conflicts met the first of them. */
  readonly #conflicts = new Map<string, number>();
  #workers: Promise<void>[] = [];

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.name = options.name;
    const { name, clock, metrics } = options;
    this.queue = new WorkQueue({ name, clock, metrics, ...options.queue });
  }

  /** Informers that must have synced before reconciles start. */
  get informers(): readonly Cache[] {
    const { informer, owns = [], watches = [] } = this.#options;
    return [informer, ...owns, ...watches.map((source) => source.informer)];
  }

  /** Waits for the caches, works until the signal aborts, then lets the reconciles under way end. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => void this.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) return;
      this.#subscribe();
      await Promise.all(this.informers.map((informer) => informer.waitForSync(signal)));
      if (this.#stopper.signal.aborted) return;
      this.#scheduleResync();
      const { workers = 1, urgentWorkers = 0 } = this.#options;
      this.#workers = Array.from({ length: workers }, (_, index) => this.#work({ reserved: index < urgentWorkers }));
      await Promise.all(this.#workers);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await this.stop();
    }
  }

  /** Stops taking work and resolves when the reconciles under way have ended. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    this.#stopper.abort(new Error(`controller ${this.name} stopped`));
    await this.queue.drain();
  }

  #subscribe(): void {
    const { informer, owns = [], watches = [] } = this.#options;
    this.#on(informer, (obj) => [keyOf(obj)]);
    for (const owned of owns) this.#on(owned, (obj) => controllerKeys(obj, informer.resource));
    for (const source of watches) this.#on(source.informer, (obj) => source.map(obj), source.concerns);
    const unwake = this.#options.wakes?.((key) => this.queue.addAfter(keyString(key), MOMENT_MS));
    if (unwake !== undefined) this.#undo.push(unwake);
  }

  /** An update concerns the keys of both states, so that an object which changes hands is seen by both owners. */
  #on(informer: Cache, keys: (obj: KubeObject) => readonly ObjectKey[], concerns?: WatchSource['concerns']): void {
    const enqueue = (...states: KubeObject[]): void => {
      // Each key once: a second add would reach a worker that has already begun, and cost a reconcile.
      for (const key of new Set(states.flatMap(keys).map(keyString))) this.queue.add(key);
    };
    const update = (old: KubeObject, obj: KubeObject): void => {
      if (concerns?.(old, obj) !== false) enqueue(old, obj);
    };
    const undo = informer.onEvent({ add: (obj) => enqueue(obj), update, delete: (obj) => enqueue(obj) });
    this.#undo.push(undo);
  }

  #scheduleResync(): void {
    const timer = this.#options.clock.setTimer(this.#options.resyncMs ?? 36_000_000, () => {
      for (const obj of this.#options.informer.list()) this.#enqueue(keyOf(obj), 'low');
      this.#scheduleResync();
    });
    this.#undo.push(() => timer.cancel());
  }

  #enqueue(key: ObjectKey, priority: Priority): void {
    this.queue.add(keyString(key), priority);
  }

  async #work(kind: { readonly reserved: boolean }): Promise<void> {
    for (let key = await this.queue.get(kind); key !== undefined; key = await this.queue.get(kind)) {
      if (this.#options.ownWrites?.isBehind(parseKey(key)) === true) {
        this.queue.addAfter(key, BEHIND_MS, this.queue.priorityOf(key));
        this.queue.done(key);
      } else {
        await this.#reconcile(key);
      }
    }
  }

  async #reconcile(key: string): Promise<void> {
    const { clock, reconciler, metrics, newId = randomUUID, reconcileTimeoutMs = 300_000 } = this.#options;
    const reconcileId = newId();
    const log = this.#options.log.child({ controller: this.name, key, reconcileId });
    const limit = new AbortController();
    const onStop = (): void => limit.abort(this.#stopper.signal.reason);
    this.#stopper.signal.addEventListener('abort', onStop, { once: true });
    const timer = clock.setTimer(reconcileTimeoutMs, () => limit.abort(new Error('the reconcile took too long')));
    const started = clock.now();
    metrics?.activeWorkers.inc({ controller: this.name });
    let result = 'success';
    try {
      const outcome = await reconciler.reconcile(parseKey(key), { signal: limit.signal, log, clock, reconcileId });
      const afterMs = outcome?.requeueAfterMs;
      this.queue.forget(key);
      this.#conflicts.delete(key);
      if (afterMs !== undefined && afterMs > 0) {
        result = 'requeue_after';
        this.queue.addAfter(key, afterMs);
      }
      if (outcome?.urgentAfterMs !== undefined) this.queue.addAfter(key, outcome.urgentAfterMs, 'urgent');
    } catch (error) {
      result = this.#failed(key, error, log);
    } finally {
      timer.cancel();
      this.#stopper.signal.removeEventListener('abort', onStop);
      metrics?.activeWorkers.dec({ controller: this.name });
      metrics?.reconciles.inc({ controller: this.name, result });
      metrics?.reconcileSeconds.observe({ controller: this.name }, (clock.now() - started) / 1000);
      this.queue.done(key);
    }
  }

  #failed(key: string, error: unknown, log: Logger): string {
    if (this.#stopper.signal.aborted) return 'stopped';
    if (error instanceof TerminalError) {
      this.queue.forget(key);
      log.error({ err: error }, 'reconcile failed for good');
      return 'terminal';
    }
    if (error instanceof WaitingError) {
      this.queue.forget(key);
      this.queue.addAfter(key, error.requeueAfterMs);
      log.debug({ reason: error.message, requeueAfterMs: error.requeueAfterMs }, 'waiting');
      return 'requeue_after';
    }
    const retryInMs = Math.round(this.queue.addRateLimited(key));
    // Someone else was faster; the next try reads the newer object. Not worth a person's attention.
    if (isConflict(error)) {
      this.#conflicted(key);
      log.debug({ retryInMs, err: errorMessage(error) }, 'conflict');
    } else {
      this.#conflicts.delete(key);
      log.warn({ retryInMs, err: error }, 'reconcile failed');
    }
    return 'error';
  }

  /** A lost event would make each try fail as the one before, until something else changes the object. */
  #conflicted(key: string): void {
    const { clock, informer } = this.#options;
    const since = this.#conflicts.get(key) ?? clock.now();
    this.#conflicts.set(key, since);
    if (clock.now() - since < CONFLICTS_MS) return;
    this.#conflicts.delete(key);
    informer.suspect?.();
  }
}

function controllerKeys(obj: KubeObject, owner: ResourceType): ObjectKey[] {
  const reference = obj.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (reference === undefined || reference.kind !== owner.kind) return [];
  if ((reference.apiVersion.split('/')[0] ?? '') !== owner.group && reference.apiVersion.includes('/')) return [];
  const { namespace } = obj.metadata;
  return [owner.namespaced && namespace !== undefined ? { namespace, name: reference.name } : { name: reference.name }];
}
