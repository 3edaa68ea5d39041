import { readInjection } from './offline/steering.ts';
import { cleanText, fold, sentences } from './offline/text.ts';

/** Longest part that is shown, in characters. */
const MOST_SHOWN = 160;

/**
 * The first part of a goal's text that tries to steer the planner, in one line for people. Undefined where no single
 * sentence does, as with markup or encoded text, or where only a model saw it.
 */
export function steeringPart(goal: string): string | undefined {
  const { plain } = cleanText(goal);
  const found = sentences(plain).find((sentence) => readInjection(fold(sentence), sentence));
  const line = found?.replace(/\s+/g, ' ').trim();
  return line === undefined || line.length <= MOST_SHOWN ? line : `${line.slice(0, MOST_SHOWN - 1)}…`;
}
