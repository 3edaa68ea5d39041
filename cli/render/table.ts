import { displayWidth, padEnd, padStart } from './width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Three spaces between columns, as kubectl prints them. */
const GAP = '   ';

/** Renders rows below a header line; no trailing spaces, ends with a newline. Empty cells show `<none>`. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: { readonly header?: boolean; readonly indent?: string } = {},
): string {
  const body = rows.map((row) => columns.map((_, index) => (row[index] ?? '') || '<none>'));
  const all = options.header === false ? body : [columns.map((column) => column.title), ...body];
  const widths = columns.map((_, index) => Math.max(0, ...all.map((row) => displayWidth(row[index] ?? ''))));
  const lines = all.map((row) =>
    columns
      .map((column, index) => (column.align === 'right' ? padStart : padEnd)(row[index] ?? '', widths[index] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  return lines.map((line) => `${options.indent ?? ''}${line}\n`).join('');
}
