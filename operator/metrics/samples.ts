import type { MicroUsd } from '../money.ts';

export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Values by metric name, then by their labels. */
export class Samples {
  readonly #values = new Map<string, Map<string, Sample>>();

  /** Values of one metric, in the order they came. */
  of(name: string): Sample[] {
    return [...(this.#values.get(name)?.values() ?? [])];
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  /** Adds to the value under these labels. */
  add(name: string, labels: Labels, value: number): void {
    this.#merge(name, labels, value, (a, b) => a + b);
  }

  /** Keeps the greatest value under these labels: of many ages the worst is what an alert looks at. */
  atLeast(name: string, labels: Labels, value: number): void {
    this.#merge(name, labels, value, Math.max);
  }

  #merge(name: string, labels: Labels, value: number, join: (a: number, b: number) => number): void {
    let metric = this.#values.get(name);
    if (metric === undefined) {
      metric = new Map();
      this.#values.set(name, metric);
    }
    const key = JSON.stringify(labels);
    const before = metric.get(key);
    metric.set(key, { labels, value: before === undefined ? value : join(before.value, value) });
  }
}

/** US dollars for display: metrics are floats by nature, nothing is decided by them. */
export function dollars(amount: MicroUsd): number {
  return amount / 1e6;
}
