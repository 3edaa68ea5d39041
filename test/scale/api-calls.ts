/** How often something was called, by what its labels say: `PATCH`, `PATCH trainingjobs/status`. */
export type Calls = Readonly<Record<string, number>>;

/** Sums a counter of Prometheus' text format by some of its labels, whose values are joined by spaces. */
export function sumBy(text: string, metric: string, ...labels: readonly string[]): Calls {
  const sums: Record<string, number> = {};
  const wanted = labels.map((label) => new RegExp(`[{,]${label}="([^"]*)"`));
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue;
    const key = wanted.map((one) => one.exec(line)?.[1] ?? '').join(' ');
    sums[key] = (sums[key] ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sums;
}

/** The same by the first of its labels alone. */
export function byFirst(calls: Calls): Calls {
  const sums: Record<string, number> = {};
  for (const [key, count] of Object.entries(calls)) {
    const [first = ''] = key.split(' ');
    sums[first] = (sums[first] ?? 0) + count;
  }
  return sums;
}

/** What was called between two looks. */
export function difference(before: Calls, after: Calls): Calls {
  const changed = Object.entries(after).map(([verb, count]) => [verb, count - (before[verb] ?? 0)] as const);
  return Object.fromEntries(changed.filter(([, count]) => count !== 0));
}

export function total(calls: Calls): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}
