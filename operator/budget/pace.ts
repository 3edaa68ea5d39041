import type { PaceMark } from '@kriptik/crds';

/** Seconds a step takes, everything between steps included: checkpoints, evaluations, waiting for data. */
export interface Pace {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
  /** Stretches it was measured on; 0 when it is only what the trainer says of single steps. */
  readonly stretches: number;
}

/** Marks kept of an attempt; when full, every other old one goes, so that the whole attempt stays in view. */
const MARKS = 16;

/** Two marks lie at least this far apart, in ms. */
const APART_MS = 10_000;

/** How far off a single figure may be, as a factor. */
const GUESS = 1.25;

/** Stretches from which on the spread of the measurements is believed. */
const ENOUGH = 3;

/** The marks with a new one where it says something new; the very same object where it does not. */
export function mark(marks: readonly PaceMark[] | undefined, next: PaceMark): readonly PaceMark[] | undefined {
  const last = marks?.at(-1);
  if (last === undefined || last.attempt !== next.attempt || next.step < last.step) return [next];
  if (next.step === last.step || Date.parse(next.at) - Date.parse(last.at) < APART_MS) return marks;
  const kept = (marks ?? []).length < MARKS ? (marks ?? []) : (marks ?? []).filter((_, index) => index % 2 === 0);
  return [...kept, next];
}

/**
 * Speed with a band. Between marks lies whatever happened between steps, so their median is what a step really takes and the
 * second fastest and slowest stretches are the band. Before there are enough of them it is what the trainer says, give or
 * take a quarter.
 */
export function paceOf(
  marks: readonly PaceMark[] | undefined,
  secondsPerStep: number | null | undefined,
): Pace | undefined {
  const stretches = (marks ?? []).slice(1).flatMap((to, index) => {
    const from = marks?.[index];
    if (from === undefined || to.step <= from.step) return [];
    return [(Date.parse(to.at) - Date.parse(from.at)) / 1000 / (to.step - from.step)];
  });
  const sorted = stretches.filter((seconds) => seconds > 0).sort((a, b) => a - b);
  if (sorted.length >= ENOUGH) {
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    return { low: at(0.1), expected: at(0.5), high: at(0.9), stretches: sorted.length };
  }
  if (secondsPerStep === null || secondsPerStep === undefined || !(secondsPerStep > 0)) return undefined;
  return { low: secondsPerStep / GUESS, expected: secondsPerStep, high: secondsPerStep * GUESS, stretches: 0 };
}
