import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CheckReport, DataCheck } from './check.ts';
import { plainRow } from './plain-rows.ts';

/** Larger files are left to the trainer, which reads them line by line. */
const MOST_BYTES = 64 * 1024 * 1024;
/** The trainer wants at least so many rows, and refuses longer lines. */
const FEWEST_ROWS = 4;
const LONGEST_LINE = 16 * 1024 * 1024;

/**
 * A check that answers by itself where a JSON Lines file is plainly in order, and asks the trainer's own check for
 * everything else, faults above all. Both give the same figures for the same file; this one needs no interpreter.
 */
export function quickCheck(thorough: DataCheck): DataCheck {
  return async (uri, format, kind = 'chat') => {
    const plain = format === 'jsonl' && kind === 'chat' ? await plainReport(uri) : undefined;
    return plain ?? thorough(uri, format, kind);
  };
}

async function plainReport(uri: string): Promise<CheckReport | undefined> {
  const bytes = await readSmall(fileURLToPath(uri));
  const text = bytes === undefined ? undefined : decoded(bytes);
  if (bytes === undefined || text === undefined) return undefined;
  const lengths: number[] = [];
  let shape: string | undefined;
  for (const line of text.split('\n')) {
    if (/^[ \t\r]*$/.test(line)) continue;
    const row = line.length > LONGEST_LINE / 4 ? undefined : plainRow(line);
    if (row === undefined || row.shape !== (shape ?? row.shape)) return undefined;
    shape = row.shape;
    lengths.push(row.tokens);
  }
  if (lengths.length < FEWEST_ROWS) return undefined;
  return {
    ok: true,
    rows: lengths.length,
    tokens: figures(lengths),
    files: [
      {
        uri,
        rows: lengths.length,
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        errorCount: 0,
        errors: [],
      },
    ],
  };
}

async function readSmall(path: string): Promise<Buffer | undefined> {
  try {
    const info = await stat(path);
    return info.isFile() && info.size <= MOST_BYTES ? await readFile(path) : undefined;
  } catch {
    // The trainer says what is wrong with the file.
    return undefined;
  }
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Mean with one decimal (halves to even), 95th percentile and longest of tokens a row. */
function figures(lengths: readonly number[]): CheckReport['tokens'] {
  const ordered = lengths.toSorted((a, b) => a - b);
  const mean = ordered.reduce((sum, length) => sum + length, 0) / ordered.length;
  const last = ordered.length - 1;
  return {
    mean: oneDecimal(mean),
    p95: ordered[Math.min(last, Math.floor(0.95 * ordered.length))] ?? 0,
    max: ordered[last] ?? 0,
  };
}

/** Only quarters can lie exactly between two tenths; all else toFixed rounds as Python does. */
function oneDecimal(value: number): number {
  const quarters = value * 4;
  if (Number.isInteger(quarters) && !Number.isInteger(quarters / 2))
    return quarters % 4 === 1 ? Math.floor(value) + 0.2 : Math.floor(value) + 0.8;
  return Number(value.toFixed(1));
}
