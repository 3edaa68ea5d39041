/** Exponential backoff with jitter. */

import { exponentialMs } from './exponential.ts';

export interface BackoffOptions {
  /** First delay, milliseconds. */
  readonly baseMs: number;
  /** Longest delay, milliseconds. */
  readonly maxMs: number;
  /** Part of each delay that is random, 0..1. 0.5 gives delays between 50 % and 100 % of the nominal one. */
  readonly jitter?: number;
  /** Random number in [0, 1). */
  readonly random?: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Counts one more failure and tells how long to wait, in milliseconds. */
  next(): number {
    this.#failures += 1;
    const { baseMs, maxMs, jitter = 0.5, random = Math.random } = this.#options;
    return exponentialMs(this.#failures, baseMs, maxMs) * (1 - jitter * random());
  }

  reset(): void {
    this.#failures = 0;
  }
}
