import { NUMBER, NUMBER_WORDS, NUMBER_ZH, toNumber } from './numbers.ts';

const UNIT: readonly [RegExp, number][] = [
  [/^(?:minutes?|mins?|minuten|minutos|分钟)$/, 1 / 60],
  [/^(?:hours?|hrs?|h|stunden?|horas?|heures?|小时)$/, 1],
  [/^(?:days?|tage?n?|días?|dias?|jours?|天)$/, 24],
  [/^(?:weeks?|wochen?|semanas?|semaines?|周|星期)$/, 168],
];
const UNITS =
  'minutes?|mins?|minuten|minutos|分钟|hours?|hrs?|h|stunden?|horas?|heures?|小时|days?|tage?n?|días?|dias?|jours?|天|weeks?|wochen?|semanas?|semaines?|周|星期';
const BEFORE =
  'within(?: the next)?|in under|in less than|in at most|at most|no more than|not more than|no longer than|max(?:imum)?(?: of)?|under|less than|finish(?:ed)? in|done in|ready in|trained in|deadline(?: is)?(?: of)?|have|takes? at most|höchstens|innerhalb(?: von)?|binnen|in maximal|maximal|máximo(?: de)?|como máximo|en menos de|en moins de|au plus|sous|最多|不超过';
const AFTER = String.raw`(?:max\b|at most|tops|or less|deadline|以内|之内|内)`;

const PATTERN = new RegExp(
  `(?:(?<cue>${BEFORE})\\s*)?(?<n>${NUMBER}|${NUMBER_WORDS}|${NUMBER_ZH})[\\s-]*(?<unit>${UNITS})(?![a-z])\\s*(?<tail>${AFTER})?`,
  'g',
);

/** Hours within which the run must end; null when the text sets none. Lengths of recordings are no deadline. */
export function readDeadlineHours(text: string): number | null {
  for (const match of text.matchAll(PATTERN)) {
    const { cue, n = '', unit = '', tail } = match.groups ?? {};
    if (cue === undefined && tail === undefined) continue;
    const end = match.index + match[0].length;
    if (/^\s?(?:of|von|de|d'|audio|video|clean|worth|recording|ago)/.test(text.slice(end, end + 12))) continue;
    const value = toNumber(n);
    const factor = UNIT.find(([pattern]) => pattern.test(unit))?.[1];
    if (value !== undefined && factor !== undefined && value > 0) return value * factor;
  }
  return null;
}
