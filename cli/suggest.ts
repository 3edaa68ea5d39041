/** Edit distance with insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The names that `wanted` was probably meant to be, nearest first, at most `limit`. */
export function nearest(wanted: string, known: readonly string[], limit = 3): string[] {
  const asked = wanted.toLowerCase();
  const allowed = Math.max(1, Math.floor(asked.length / 3));
  return [...new Set(known)]
    .map((name) => {
      const lower = name.toLowerCase();
      const contained = asked.length >= 3 && (lower.startsWith(asked) || lower.includes(asked));
      return { name, far: contained ? 0.5 : distance(asked, lower) };
    })
    .filter(({ far }) => far <= allowed)
    .sort((a, b) => a.far - b.far || a.name.localeCompare(b.name))
    .slice(0, limit)
    .map(({ name }) => name);
}

/** `Did you mean "a" or "b"?`, or undefined when nothing is near. */
export function didYouMean(wanted: string, known: readonly string[]): string | undefined {
  const near = nearest(wanted, known).map((name) => `"${name}"`);
  return near.length === 0 ? undefined : `Did you mean ${near.join(' or ')}?`;
}
