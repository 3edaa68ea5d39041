import type { DataFacts } from './types.ts';

/** Characters of one token: about four in English prose, two where most characters are not Latin. */
const CHARACTERS_PER_TOKEN = { latin: 4, other: 1.8 };
/** Tokens that a chat template adds to a row. */
const TEMPLATE_TOKENS = 12;

/**
 * What the text of a JSONL or CSV file tells: rows, and tokens by the usual
 * characters a token. Keys and punctuation of JSON do not count. Rows that
 * cannot be read count as rows: the trainer reports them with line and field.
 */
export function inspectText(uri: string, text: string, format: 'jsonl' | 'csv'): DataFacts {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const rows = format === 'csv' ? lines.slice(1) : lines;
  if (rows.length === 0) return { uri, rows: 0, bytes: Buffer.byteLength(text) };
  const parsed = rows.map((row) => (format === 'csv' ? { strings: [row], pairs: false } : readRow(row)));
  const lengths = parsed.map(({ strings }) => tokensIn(strings) + TEMPLATE_TOKENS);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return {
    uri,
    rows: rows.length,
    tokensPerRow: Math.round(total / rows.length),
    longestRow: Math.max(
      1,
      lengths.reduce((most, length) => Math.max(most, length), 0),
    ),
    bytes: Buffer.byteLength(text),
    preferencePairs: parsed.every(({ pairs }) => pairs),
  };
}

function readRow(line: string): { readonly strings: readonly string[]; readonly pairs: boolean } {
  try {
    const value: unknown = JSON.parse(line);
    const pairs = typeof value === 'object' && value !== null && 'chosen' in value && 'rejected' in value;
    return { strings: stringsOf(value), pairs };
  } catch {
    return { strings: [line], pairs: false };
  }
}

function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(stringsOf);
  return [];
}

function tokensIn(strings: readonly string[]): number {
  const text = strings.join(' ');
  const other = text.match(/[\u0250-\u{10ffff}]/gu)?.length ?? 0;
  return Math.ceil((text.length - other) / CHARACTERS_PER_TOKEN.latin + other / CHARACTERS_PER_TOKEN.other);
}
