/** Nominal delay before retry number `failures` (from 1), in milliseconds. */
export function exponentialMs(failures: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 60));
}
