import type { Style } from './style.ts';
import { displayWidth, padEnd, printable, wrap } from './width.ts';

/**
 * Lines of `label  value`, values aligned, wrapped to `width` cells and painted. Pairs without a value are left out;
 * a value that is painted already is not wrapped.
 */
export function facts(
  pairs: readonly (readonly [label: string, value: string | undefined, paint?: (line: string) => string])[],
  options: { readonly style: Style; readonly width: number; readonly indent?: string },
): string[] {
  const shown = pairs.flatMap(([label, value, paint = (line: string) => line]) =>
    value === undefined || value === '' ? [] : [{ label, value, paint }],
  );
  const indent = options.indent ?? '  ';
  const labelWidth = Math.max(0, ...shown.map(({ label }) => displayWidth(label))) + 2;
  const room = Math.max(20, options.width - displayWidth(indent) - labelWidth);
  return shown.flatMap(({ label, value, paint }) =>
    (value.includes('\u001b') ? [value] : wrap(value, room)).map((line, index) =>
      `${indent}${padEnd(index === 0 ? options.style.dim(label) : '', labelWidth)}${paint(line)}`.trimEnd(),
    ),
  );
}

/** A bold heading with its lines below, or nothing when there are no lines. Begins with an empty line. */
export function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

/** Lines with a dash before the first line of each entry, wrapped to `width` cells. */
export function bullets(entries: readonly string[], width: number, indent = '  '): string[] {
  return entries.flatMap((entry) =>
    wrap(printable(entry), Math.max(20, width - displayWidth(indent) - 2)).map(
      (line, index) => `${indent}${index === 0 ? '- ' : '  '}${line}`,
    ),
  );
}
