/** How often something was called, by verb. */
export type Calls = Readonly<Record<string, number>>;

/** Sums a counter of Prometheus' text format by one of its labels. */
export function sumBy(text: string, metric: string, label: string): Calls {
  const sums: Record<string, number> = {};
  const wanted = new RegExp(`[{,]${label}="([^"]*)"`);
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue;
    const [, value] = wanted.exec(line) ?? [];
    if (value !== undefined) sums[value] = (sums[value] ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1));
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
