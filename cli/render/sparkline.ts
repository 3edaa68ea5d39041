const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const ASCII = ['_', '.', '-', '~', '=', '+', '*', '#'] as const;

/** Reduces `values` to at most `width` by the mean of each stretch, so that no part of the curve is dropped. */
export function resample(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, index) => {
    const from = Math.floor((index * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / width));
    const part = values.slice(from, to);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** One character a value, lowest to highest of the series; a flat series sits at the bottom. Ignores NaN and infinities. */
export function sparkline(values: readonly number[], width: number, unicode = true): string {
  const levels = unicode ? BLOCKS : ASCII;
  const points = resample(values.filter(Number.isFinite), Math.max(0, width));
  const low = Math.min(...points);
  const span = Math.max(...points) - low;
  return points
    .map((value) => levels[span === 0 ? 0 : Math.round(((value - low) / span) * (levels.length - 1))] ?? levels[0])
    .join('');
}
