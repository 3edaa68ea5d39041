/** After so many days a list price counts as old: providers change theirs about every two months. */
export const PRICE_DAYS = 30;

const DAY_MS = 86_400_000;

/** Whole days from a date (YYYY-MM-DD, taken as midnight UTC) until now; negative for a date to come. */
export function ageInDays(asOf: string, now: Date): number {
  return Math.floor((now.getTime() - Date.parse(`${asOf.slice(0, 10)}T00:00:00Z`)) / DAY_MS);
}

/** Whether a fact of that date is older than so many days. A date that cannot be read counts as old. */
export function isStale(asOf: string, now: Date, days: number = PRICE_DAYS): boolean {
  return !(ageInDays(asOf, now) <= days);
}
