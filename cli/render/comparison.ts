import type { Style } from './style.ts';
import { padEnd, printable, wrap } from './width.ts';

/** What the trainer's `compare` prints. */
export interface Comparison {
  readonly base: string;
  readonly tuned: string;
  readonly results: readonly {
    readonly prompt: string;
    readonly base: string;
    readonly tuned: string;
    readonly expected?: string | null;
  }[];
}

interface View {
  readonly style: Style;
  readonly width: number;
}

/** Narrower than this two columns cannot be read. */
const TWO_COLUMNS = 70;

/** Answers in two columns under one heading; below each other where the terminal is narrow. */
export function renderComparison(comparison: Comparison, view: View): string[] {
  const { style, width } = view;
  const wide = width >= TWO_COLUMNS;
  const heading = wide ? [row(style.bold('base'), style.bold('trained'), view), ''] : [];
  const blocks = comparison.results.map(({ prompt, base, tuned, expected }) => [
    ...block('> ', prompt, width, style.bold),
    ...(wide
      ? columns(base, tuned, view)
      : [...block('  base:     ', base, width), ...block('  trained:  ', tuned, width)]),
    ...(expected === null || expected === undefined ? [] : block('  expected: ', expected, width, style.dim)),
  ]);
  return [...heading, ...blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))];
}

/** Text behind a label, its further lines below its first. No line is wider than `width`. */
function block(label: string, text: string, width: number, paint = (line: string): string => line): string[] {
  const room = width - label.length;
  // Where the label would take half of the line, the text goes below it.
  if (label.length > 2 && room < label.length) {
    return [label.trimEnd(), ...lines(text, width - 4).map((line) => `    ${line}`)].map(paint);
  }
  return lines(text, room).map((line, at) => paint(`${at === 0 ? label : ' '.repeat(label.length)}${line}`.trimEnd()));
}

function columns(base: string, tuned: string, view: View): string[] {
  const left = lines(base, columnWidth(view));
  const right = lines(tuned, columnWidth(view));
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, at) => row(left[at] ?? '', right[at] ?? '', view));
}

function row(left: string, right: string, view: View): string {
  const rule = view.style.unicode ? '│' : '|';
  return `  ${padEnd(left, columnWidth(view))} ${view.style.dim(rule)} ${right}`.trimEnd();
}

const columnWidth = ({ width }: View): number => Math.floor((width - 5) / 2);

function lines(text: string, width: number): string[] {
  return wrap(printable(text).trim(), Math.max(1, width), { breakWords: true });
}
