import { percentile } from '@kriptik/cli/bench/percentile.ts';

/** Does something for each item, `perSecond` of them; what takes longer runs on beside the next ones. */
export async function atRate<T>(
  items: readonly T[],
  perSecond: number,
  what: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  const began = performance.now();
  const under: Promise<unknown>[] = [];
  for (const [index, item] of items.entries()) {
    const wait = began + (index * 1000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    under.push(what(item, index));
  }
  await Promise.all(under);
}

/** Seconds: median, nine in ten, 99 in 100, worst. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function spreadOf(milliseconds: readonly number[]): Spread {
  const at = (share: number): number => Math.round(percentile(milliseconds, share)) / 1000;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
