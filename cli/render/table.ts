import { displayWidth, padEnd, padStart, wrap } from './width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Three spaces between columns, as kubectl prints them. */
const GAP = '   ';

/** Narrower than this the last column cannot be read; it then overflows. */
const MIN_ROOM = 14;

/**
 * Renders rows below a header line; no trailing spaces, ends with a newline. Empty cells show `<none>`. With a `width`
 * the cells of the last column are wrapped at spaces, so that lines are no longer than that.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { readonly header?: boolean; readonly indent?: string; readonly width?: number } = {},
): string {
  const body = rows.map((row) => columns.map((_, index) => (row[index] ?? '') || '<none>'));
  const all = options.header === false ? body : [columns.map((column) => column.title), ...body];
  const widths = columns.map((_, index) => Math.max(0, ...all.map((row) => displayWidth(row[index] ?? ''))));
  const indent = options.indent ?? '';
  const before = displayWidth(indent) + widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = options.width === undefined ? Number.POSITIVE_INFINITY : Math.max(MIN_ROOM, options.width - before);
  const lines = all
    .flatMap((row) => wrapLast(row, room))
    .map((row) =>
      columns
        .map((column, index) => (column.align === 'right' ? padStart : padEnd)(row[index] ?? '', widths[index] ?? 0))
        .join(GAP)
        .trimEnd(),
    );
  return lines
    .map((line) => `${indent}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** The row, with what its last cell has too much on rows of its own below it. */
function wrapLast(row: readonly string[], room: number): string[][] {
  const last = row.at(-1) ?? '';
  if (displayWidth(last) <= room) return [[...row]];
  return wrap(last, room).map((part, index) => [...row.slice(0, -1).map((cell) => (index === 0 ? cell : '')), part]);
}
