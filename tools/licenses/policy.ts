/** Licences that anything we ship may have: permissive, their terms met by naming the package and its licence. */
const SHIPPED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Licences that a tool of development may have besides: weak copyleft and attribution of data, never shipped. */
const DEVELOPMENT: ReadonlySet<string> = new Set([...SHIPPED, 'MPL-2.0', 'CC-BY-4.0', 'CC-BY-3.0']);

/**
 * Whether an SPDX licence expression (`MIT`, `(MIT OR GPL-2.0-only)`, `Apache-2.0 AND MIT`) is allowed: of an OR
 * one side must be, of an AND both. Whatever is not such an expression is not allowed.
 */
export function isAllowed(expression: string, development: boolean): boolean {
  const allowed = development ? DEVELOPMENT : SHIPPED;
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let position = 0;

  function alternatives(): boolean {
    let result = conjunction();
    while (tokens[position] === 'OR') {
      position++;
      // Not short-circuited: the other side must be read in any case.
      const other = conjunction();
      result ||= other;
    }
    return result;
  }

  function conjunction(): boolean {
    let result = term();
    while (tokens[position] === 'AND') {
      position++;
      const other = term();
      result &&= other;
    }
    return result;
  }

  function term(): boolean {
    const token = tokens[position++];
    if (token !== '(') return token !== undefined && allowed.has(token);
    const result = alternatives();
    return tokens[position++] === ')' && result;
  }

  return alternatives() && position === tokens.length;
}
