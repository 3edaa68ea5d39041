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

/** Answers in two columns; below each other where the terminal is narrow. */
export function renderComparison(
  comparison: Comparison,
  view: { readonly style: Style; readonly width: number },
): string[] {
  return comparison.results.flatMap((result, index) => [
    ...(index === 0 ? [] : ['']),
    ...wrap(printable(result.prompt), view.width - 2).map((line, at) =>
      view.style.bold(`${at === 0 ? '> ' : '  '}${line}`),
    ),
    ...answers(result.base, result.tuned, view),
    ...(result.expected === null || result.expected === undefined
      ? []
      : wrap(`expected: ${printable(result.expected)}`, view.width - 2).map((line) => view.style.dim(`  ${line}`))),
  ]);
}

/** Narrower than this two columns cannot be read. */
const TWO_COLUMNS = 70;

function answers(
  base: string,
  tuned: string,
  { style, width }: { readonly style: Style; readonly width: number },
): string[] {
  if (width < TWO_COLUMNS) {
    const block = (title: string, text: string): string[] => [
      style.dim(`  ${title}`),
      ...wrap(printable(text), width - 4).map((line) => `    ${line}`),
    ];
    return [...block('base', base), ...block('trained', tuned)];
  }
  const column = Math.floor((width - 5) / 2);
  const left = wrap(printable(base).trim(), column);
  const right = wrap(printable(tuned).trim(), column);
  const rule = style.unicode ? '│' : '|';
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, row) =>
    `  ${padEnd(left[row] ?? '', column)} ${style.dim(rule)} ${right[row] ?? ''}`.trimEnd(),
  );
  return [style.dim(`  ${padEnd('base', column)} ${rule} trained`), ...rows];
}
