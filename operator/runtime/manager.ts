import type { Clock } from './clock.ts';
import type { Controller } from './controller.ts';
import type { Cache } from './informer.ts';
import type { LeaderElector } from './leader.ts';
import type { Logger } from './log.ts';

/** Something that runs beside the controllers and ends when the signal aborts. */
interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

export interface ManagerOptions {
  readonly informers: readonly Cache[];
  readonly controllers: readonly Controller[];
  /** Absent: no election, this process works at once. */
  readonly leader?: Pick<LeaderElector, 'start' | 'stop'> | undefined;
  /** Started with the controllers, on the leader only. */
  readonly runnables?: readonly Runnable[];
  readonly log: Logger;
  readonly clock: Clock;
  /** How long a stop waits for reconciles under way, ms. @default 20000 */
  readonly gracePeriodMs?: number;
}

/** Starts and stops the parts of an operator in the right order. */
export class Manager {
  readonly #options: ManagerOptions;
  #ready = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** True once all caches have synced; for a readiness probe. */
  get ready(): boolean {
    return this.#ready;
  }

  /**
   * Fills the caches, waits to become leader, runs the controllers until the signal aborts, then stops all of it:
   * work first, the lease after it (nobody may take over while we still write), the caches last.
   *
   * @throws whatever ends a controller or runnable by itself.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { informers, controllers, leader, runnables = [], log } = this.#options;
    const stopper = new AbortController();
    const onAbort = (): void => stopper.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    let work: Promise<void> = Promise.resolve();
    try {
      for (const informer of informers) informer.start();
      await Promise.all(informers.map((informer) => informer.waitForSync(stopper.signal)));
      this.#ready = true;
      log.info({ informers: informers.length }, 'caches synced');
      if (leader !== undefined) await unlessAborted(leader.start(), stopper.signal);
      const parts = [...controllers, ...runnables];
      work = Promise.all(parts.map((part) => part.run(stopper.signal))).then(() => {});
      await unlessAborted(work, stopper.signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#ready = false;
      stopper.abort(signal.reason ?? new Error('manager stopped'));
      await this.#within(Promise.allSettled([work, ...controllers.map((controller) => controller.stop())]));
      await leader?.stop();
      await Promise.all(informers.map((informer) => informer.stop()));
      signal.removeEventListener('abort', onAbort);
      log.info('stopped');
    }
  }

  async #within(stopping: Promise<unknown>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimer(this.#options.gracePeriodMs ?? 20_000, () => {
      this.#options.log.warn('some reconciles did not end in time');
      late.resolve();
    });
    await Promise.race([stopping, late.promise]);
    timer.cancel();
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
