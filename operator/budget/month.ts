/** Calendar months of UTC, written "2026-11". */

/** The month that a moment (epoch ms) lies in. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

/** Epoch ms of the first moment of a month. */
export function startOfMonth(month: string): number {
  return Date.parse(`${month}-01T00:00:00Z`);
}

/** Epoch ms of the first moment after a month. */
export function endOfMonth(month: string): number {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return Date.UTC(year, number, 1);
}

/** Cuts a period (epoch ms) at the turns of months: each month with the moment up to which it lasts within the period. */
export function monthsBetween(from: number, to: number): { readonly month: string; readonly until: number }[] {
  const parts: { month: string; until: number }[] = [];
  for (let at = from; at < to; ) {
    const month = monthOf(at);
    const until = Math.min(to, endOfMonth(month));
    parts.push({ month, until });
    at = until;
  }
  return parts;
}
