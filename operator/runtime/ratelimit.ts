import type { Clock } from './clock.ts';

export interface TokenBucketOptions {
  /** Sustained rate, per second. Infinity switches the limit off. */
  readonly qps: number;
  /** How many may pass at once after a quiet time. */
  readonly burst: number;
  readonly clock: Clock;
}

/** Token bucket kept as one number: the time at which the bucket would be full again (GCRA). */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  #fullAt = 0;
  #seenAt = 0;

  constructor({ qps, burst, clock }: TokenBucketOptions) {
    this.#clock = clock;
    this.#intervalMs = 1000 / qps;
    this.#toleranceMs = this.#intervalMs * (Math.max(1, burst) - 1);
  }

  /** Takes a token that may lie in the future; returns how long to wait for it, in milliseconds. */
  reserve(): number {
    if (this.#intervalMs === 0) return 0;
    const now = this.#now();
    const start = Math.max(this.#fullAt, now);
    this.#fullAt = start + this.#intervalMs;
    return Math.max(0, start - this.#toleranceMs - now);
  }

  /** Takes a token if there is one now. */
  take(): boolean {
    const now = this.#now();
    if (Math.max(this.#fullAt, now) - this.#toleranceMs > now) return false;
    return this.reserve() === 0;
  }

  /** Waits for a token. Rejects with the signal's reason when aborted first. */
  async acquire(signal?: AbortSignal): Promise<void> {
    const waitMs = this.reserve();
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }

  /** A clock that was set back takes the bucket along: else nothing would pass until it is that late again. */
  #now(): number {
    const now = this.#clock.now();
    this.#fullAt -= Math.max(0, this.#seenAt - now);
    this.#seenAt = now;
    return now;
  }
}
