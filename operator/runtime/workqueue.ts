import type { Clock, Timer } from './clock.ts';
import { exponentialMs } from './exponential.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { TokenBucket } from './ratelimit.ts';

export type Priority = 'normal' | 'low';

export interface WorkQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly metrics?: RuntimeMetrics | undefined;
  /** First retry delay of a key, ms. @default 5 */
  readonly baseDelayMs?: number;
  /** Longest retry delay of a key, ms. @default 1000000 */
  readonly maxDelayMs?: number;
  /** Retries of all keys together, per second. @default 10 */
  readonly retryQps?: number;
  /** @default 100 */
  readonly retryBurst?: number;
}

interface Delayed {
  readonly at: number;
  readonly timer: Timer;
  readonly priority: Priority;
}

/**
 * Keys to work on. A key is there at most once, and is never handed to two workers at a time: one that is added while
 * being worked on is handed out again when that work is done. Low-priority keys wait for all others.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #bucket: TokenBucket;
  /** Keys ready to be handed out, oldest first, with the time each became ready. */
  readonly #ready: Record<Priority, Map<string, number>> = { normal: new Map(), low: new Map() };
  readonly #processing = new Set<string>();
  /** Added again while being processed. */
  readonly #dirty = new Map<string, Priority>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #waiters: ((key: string | undefined) => void)[] = [];
  #idle: (() => void)[] = [];
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    const { retryQps = 10, retryBurst = 100, clock } = options;
    this.#bucket = new TokenBucket({ qps: retryQps, burst: retryBurst, clock });
  }

  /** Keys ready to be handed out. */
  get length(): number {
    return this.#ready.normal.size + this.#ready.low.size;
  }

  /** Keys waiting for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  get isShutDown(): boolean {
    return this.#shutDown;
  }

  add(key: string, priority: Priority = 'normal'): void {
    if (this.#shutDown) return;
    if (this.#processing.has(key)) {
      if (this.#dirty.get(key) !== 'normal') this.#dirty.set(key, priority);
      return;
    }
    if (this.#ready.normal.has(key)) return;
    const wasLow = this.#ready.low.get(key);
    if (wasLow !== undefined && priority === 'low') return;
    this.#ready.low.delete(key);
    this.#options.metrics?.queueAdds.inc({ name: this.#options.name });
    this.#ready[priority].set(key, wasLow ?? this.#options.clock.now());
    this.#handOut();
  }

  /** Adds the key after `ms` milliseconds. Of several waits for one key the earliest counts. */
  addAfter(key: string, ms: number, priority: Priority = 'normal'): void {
    if (this.#shutDown) return;
    if (ms <= 0) {
      this.add(key, priority);
      return;
    }
    const at = this.#options.clock.now() + ms;
    const waiting = this.#delayed.get(key);
    const highest = waiting?.priority === 'normal' ? 'normal' : priority;
    if (waiting !== undefined && waiting.at <= at) {
      if (waiting.priority !== highest) this.#delayed.set(key, { ...waiting, priority: highest });
      return;
    }
    waiting?.timer.cancel();
    const timer = this.#options.clock.setTimer(ms, () => {
      const due = this.#delayed.get(key);
      this.#delayed.delete(key);
      this.add(key, due?.priority ?? highest);
    });
    this.#delayed.set(key, { at, timer, priority: highest });
  }

  /** Adds the key after a delay that doubles with each failure; returns that delay in milliseconds. */
  addRateLimited(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { baseDelayMs = 5, maxDelayMs = 1_000_000 } = this.#options;
    const waitMs = Math.max(exponentialMs(failures, baseDelayMs, maxDelayMs), this.#bucket.reserve());
    this.#options.metrics?.queueRetries.inc({ name: this.#options.name });
    this.addAfter(key, waitMs);
    return waitMs;
  }

  /** Failures of the key since it was last forgotten. */
  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Ends the key's backoff: it succeeded, or will not be tried again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, waiting for one if need be; `undefined` when the queue was shut down. Call `done` afterwards. */
  get(): Promise<string | undefined> {
    const key = this.#take();
    if (key !== undefined || this.#shutDown) return Promise.resolve(key);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The work on a key is over; if it was added meanwhile it becomes ready again. */
  done(key: string): void {
    this.#processing.delete(key);
    const priority = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (priority !== undefined) this.add(key, priority);
    if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Takes no more keys and drops those waiting; workers get `undefined`. */
  shutDown(): void {
    this.#shutDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#ready.normal.clear();
    this.#ready.low.clear();
    this.#dirty.clear();
    this.#options.metrics?.queueDepth.set({ name: this.#options.name }, 0);
    for (const resolve of this.#waiters.splice(0)) resolve(undefined);
  }

  /** Shuts down and resolves when the keys being processed are done. */
  async drain(): Promise<void> {
    this.shutDown();
    if (this.#processing.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #handOut(): void {
    this.#measureDepth();
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter(this.#take());
  }

  #take(): string | undefined {
    for (const queue of [this.#ready.normal, this.#ready.low]) {
      const first = queue.entries().next();
      if (first.done === true) continue;
      const [key, since] = first.value;
      queue.delete(key);
      this.#processing.add(key);
      const { name, clock, metrics } = this.#options;
      metrics?.queueWaitSeconds.observe({ name }, (clock.now() - since) / 1000);
      this.#measureDepth();
      return key;
    }
    return undefined;
  }

  #measureDepth(): void {
    this.#options.metrics?.queueDepth.set({ name: this.#options.name }, this.length);
  }
}
