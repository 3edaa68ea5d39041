import { open } from 'node:fs/promises';

/** Enough for the first row of a file that people wrote. */
const FIRST_BYTES = 256 * 1024;

/**
 * Whether the first row of a file holds a better and a worse answer. Undefined where the first row cannot be read or
 * is not plain: nothing is concluded from it then.
 */
export async function firstRowIsPair(path: string, format: string): Promise<boolean | undefined> {
  if (format !== 'jsonl' && format !== 'csv') return undefined;
  const line = (await firstText(path)).split('\n').find((text) => text.trim() !== '');
  if (line === undefined) return undefined;
  const names = format === 'csv' ? line.split(',').map((name) => name.trim().replaceAll('"', '')) : namesOf(line);
  return names === undefined ? undefined : names.includes('chosen') && names.includes('rejected');
}

async function firstText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_BYTES), 0, FIRST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function namesOf(line: string): readonly string[] | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? Object.keys(row) : undefined;
  } catch {
    return undefined;
  }
}
