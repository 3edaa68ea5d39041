import { SelectionError } from '../selection.ts';

/** How often the rows are gone through. */
export const PASS_CHOICES = ['as-planned', 'epochs-1', 'epochs-2', 'epochs-3', 'epochs-5'] as const;
export type PassChoice = (typeof PASS_CHOICES)[number];

/** What the id of a Data alternative stands for: a public data set, a number of passes, or both. */
export interface DataChoice {
  /** Catalog id; absent = what the planner proposes, or the author's own sources. */
  readonly dataset?: string;
  readonly passes: PassChoice;
}

/**
 * Reads "epochs-3", "dolly-15k" or "dolly-15k/epochs-3". Throws SelectionError
 * for a data set that is not among `datasets`, or passes that are not offered.
 */
export function readDataChoice(id: string | undefined, datasets: readonly string[]): DataChoice {
  if (id === undefined) return { passes: 'as-planned' };
  const [first = '', second, ...rest] = id.split('/');
  if (second === undefined && isPasses(first)) return { passes: first };
  if (datasets.includes(first) && rest.length === 0) {
    if (second === undefined) return { dataset: first, passes: 'as-planned' };
    if (isPasses(second) && second !== 'as-planned') return { dataset: first, passes: second };
  }
  throw new SelectionError('data', id, [...PASS_CHOICES, ...datasets]);
}

/** The id of a choice; reading it gives the choice again. */
export function dataChoiceId({ dataset, passes }: DataChoice): string {
  if (dataset === undefined) return passes;
  return passes === 'as-planned' ? dataset : `${dataset}/${passes}`;
}

/** Passes over the rows; undefined = as the rules have it. */
export function passesOf(passes: PassChoice): number | undefined {
  return passes === 'as-planned' ? undefined : Number(passes.replace('epochs-', ''));
}

function isPasses(text: string): text is PassChoice {
  return PASS_CHOICES.some((one) => one === text);
}
