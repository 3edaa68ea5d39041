import { nextTick } from 'node:process';
import type { Clock, Timer } from '@kriptik/operator/runtime/clock.ts';
import { FakeClock } from '@kriptik/operator/runtime/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/** All runs begin here, so that names, dates and hashes are the same in each. */
const START = Date.parse('2026-01-12T08:00:00Z');

/** Virtual time of one run: it jumps from one timer to the next, which a heap finds. */
export class SimClock implements Clock {
  readonly start = START;
  #now = START;
  #order = 0;
  readonly #heap: Due[] = [];

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#now);
  }

  setTimer(ms: number, fn: () => void): Timer {
    const due: Due = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    this.#push(due);
    return {
      cancel: () => {
        due.fn = undefined;
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return FakeClock.prototype.sleep.call(this, ms, signal);
  }

  /** Fires what is due within `ms`, each after all that the one before it set off. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (next.fn === undefined) continue;
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = end;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, due)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      const least = right !== undefined && isBefore(right, left) ? right : left;
      if (least === right) child += 1;
      if (!isBefore(least, last)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = last;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Lets every promise callback that is ready run, and those that they make ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}
