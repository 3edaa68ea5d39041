import type { Clock, Timer } from './clock.ts';
import { exponentialMs } from './exponential.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { TokenBucket } from './ratelimit.ts';

/** `urgent` goes before all others; `low` waits for all others. */
export type Priority = 'urgent' | 'normal' | 'low';

const RANK: Readonly<Record<Priority, number>> = { urgent: 2, normal: 1, low: 0 };

/** After so many urgent keys in a row one of the others is handed out: a flood of them must not stop the rest. */
const URGENT_IN_A_ROW = 8;

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

/** A worker without work; a reserved one takes urgent keys only. */
interface Waiter {
  readonly reserved: boolean;
  readonly resolve: (key: string | undefined) => void;
}

/**
 * Keys to work on. A key is there at most once, and is never handed to two workers at a time: one that is added while
 * being worked on is handed out again when that work is done. Urgent keys come first, low-priority ones last.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #bucket: TokenBucket;
  /** Keys ready to be handed out, oldest first, with the time each became ready. */
  readonly #ready: Record<Priority, Map<string, number>> = { urgent: new Map(), normal: new Map(), low: new Map() };
  /** With the priority each was handed out at. */
  readonly #processing = new Map<string, Priority>();
  /** Added again while being processed. */
  readonly #dirty = new Map<string, Priority>();
  /** A wait for an urgent look stands beside the usual one: the usual one may come first and be held up then. */
  readonly #delayed = new Map<string, Delayed>();
  readonly #delayedUrgent = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #waiters: Waiter[] = [];
  #idle: (() => void)[] = [];
  #urgentInARow = 0;
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    const { retryQps = 10, retryBurst = 100, clock } = options;
    this.#bucket = new TokenBucket({ qps: retryQps, burst: retryBurst, clock });
  }

  /** Keys ready to be handed out. */
  get length(): number {
    return this.#ready.urgent.size + this.#ready.normal.size + this.#ready.low.size;
  }

  /** Keys waiting for their time. */
  get delayed(): number {
    return this.#delayed.size + this.#delayedUrgent.size;
  }

  get isShutDown(): boolean {
    return this.#shutDown;
  }

  add(key: string, priority: Priority = 'normal'): void {
    if (this.#shutDown) return;
    if (this.#processing.has(key)) {
      this.#dirty.set(key, higher(this.#dirty.get(key), priority));
      return;
    }
    const lane = this.#laneOf(key);
    if (lane !== undefined && RANK[lane] >= RANK[priority]) return;
    const since = lane === undefined ? this.#options.clock.now() : this.#ready[lane].get(key);
    if (lane !== undefined) this.#ready[lane].delete(key);
    this.#options.metrics?.queueAdds.inc({ name: this.#options.name });
    this.#ready[priority].set(key, since ?? this.#options.clock.now());
    this.#handOut(priority);
  }

  /**
   * Adds the key after `ms` milliseconds. Of several waits for one key the earliest counts, but for one at urgent
   * priority, which stands by itself.
   */
  addAfter(key: string, ms: number, priority: Priority = 'normal'): void {
    if (this.#shutDown) return;
    if (ms <= 0) {
      this.add(key, priority);
      return;
    }
    const delayed = priority === 'urgent' ? this.#delayedUrgent : this.#delayed;
    const at = this.#options.clock.now() + ms;
    const waiting = delayed.get(key);
    const highest = higher(waiting?.priority, priority);
    if (waiting !== undefined && waiting.at <= at) {
      if (waiting.priority !== highest) delayed.set(key, { ...waiting, priority: highest });
      return;
    }
    waiting?.timer.cancel();
    const timer = this.#options.clock.setTimer(ms, () => {
      const due = delayed.get(key);
      delayed.delete(key);
      this.add(key, due?.priority ?? highest);
    });
    delayed.set(key, { at, timer, priority: highest });
  }

  /**
   * Adds the key after a delay that doubles with each failure, at the priority at which it is being worked on; returns
   * that delay in milliseconds.
   */
  addRateLimited(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { baseDelayMs = 5, maxDelayMs = 1_000_000 } = this.#options;
    const waitMs = Math.max(exponentialMs(failures, baseDelayMs, maxDelayMs), this.#bucket.reserve());
    this.#options.metrics?.queueRetries.inc({ name: this.#options.name });
    this.addAfter(key, waitMs, this.#processing.get(key));
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

  /**
   * The next key, waiting for one if need be; `undefined` when the queue was shut down. Call `done` afterwards. A worker
   * that is `reserved` gets urgent keys only.
   */
  get({ reserved = false }: { readonly reserved?: boolean } = {}): Promise<string | undefined> {
    const key = this.#take(reserved);
    if (key !== undefined || this.#shutDown) return Promise.resolve(key);
    return new Promise((resolve) => this.#waiters.push({ reserved, resolve }));
  }

  /** The priority at which a key that is being worked on was handed out. */
  priorityOf(key: string): Priority | undefined {
    return this.#processing.get(key);
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
    for (const delayed of [this.#delayed, this.#delayedUrgent]) {
      for (const { timer } of delayed.values()) timer.cancel();
      delayed.clear();
    }
    for (const lane of Object.values(this.#ready)) lane.clear();
    this.#dirty.clear();
    this.#options.metrics?.queueDepth.set({ name: this.#options.name }, 0);
    for (const { resolve } of this.#waiters.splice(0)) resolve(undefined);
  }

  /** Shuts down and resolves when the keys being processed are done. */
  async drain(): Promise<void> {
    this.shutDown();
    if (this.#processing.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #laneOf(key: string): Priority | undefined {
    return LANES.find((lane) => this.#ready[lane].has(key));
  }

  /** Gives the key just added to a worker that waits; an urgent one to a reserved worker if there is one. */
  #handOut(priority: Priority): void {
    this.#measureDepth();
    const reserved = priority === 'urgent' ? this.#waiters.findIndex((waiter) => waiter.reserved) : -1;
    const index = reserved >= 0 ? reserved : this.#waiters.findIndex((waiter) => !waiter.reserved);
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    waiter?.resolve(this.#take(waiter.reserved));
  }

  #take(reserved: boolean): string | undefined {
    for (const lane of reserved ? URGENT_ONLY : this.#order()) {
      const first = this.#ready[lane].entries().next();
      if (first.done === true) continue;
      const [key, since] = first.value;
      this.#ready[lane].delete(key);
      this.#processing.set(key, lane);
      if (!reserved) this.#urgentInARow = lane === 'urgent' ? this.#urgentInARow + 1 : 0;
      const { name, clock, metrics } = this.#options;
      metrics?.queueWaitSeconds.observe({ name }, (clock.now() - since) / 1000);
      this.#measureDepth();
      return key;
    }
    return undefined;
  }

  /** Urgent first, but every so often one of the others. */
  #order(): readonly Priority[] {
    return this.#urgentInARow >= URGENT_IN_A_ROW ? URGENT_LAST : LANES;
  }

  #measureDepth(): void {
    this.#options.metrics?.queueDepth.set({ name: this.#options.name }, this.length);
  }
}

const LANES: readonly Priority[] = ['urgent', 'normal', 'low'];
const URGENT_LAST: readonly Priority[] = ['normal', 'low', 'urgent'];
const URGENT_ONLY: readonly Priority[] = ['urgent'];

function higher(known: Priority | undefined, other: Priority): Priority {
  return known !== undefined && RANK[known] >= RANK[other] ? known : other;
}
