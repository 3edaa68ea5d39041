import { open } from 'node:fs/promises';
import type { Contract } from '@kriptik/crds';
import type { DataKind } from '../trainer/check.ts';

/** Enough for the first row of a file that people wrote. */
const FIRST_BYTES = 256 * 1024;

/** What the rows of pictures, clips and sound are for; pictures of one subject need no captions. */
const MEDIA: Readonly<Partial<Record<Contract['modality'], DataKind>>> = {
  image: 'subject',
  video: 'clips',
  audio: 'sounds',
  multimodal: 'questions',
};

/** What a source's rows are for. Of text the first row tells: undefined where it cannot be read or is not plain. */
export async function rowKind(
  modality: Contract['modality'],
  path: string,
  format: string,
): Promise<DataKind | undefined> {
  const media = MEDIA[modality];
  if (media !== undefined) return media;
  const names = await firstNames(path, format);
  if (names === undefined) return undefined;
  if (names.includes('chosen') && names.includes('rejected')) return 'preferences';
  return names.includes('prompt') && names.includes('expected') ? 'prompts' : 'chat';
}

/** Fields of the first row. */
async function firstNames(path: string, format: string): Promise<readonly string[] | undefined> {
  if (format !== 'jsonl' && format !== 'csv') return undefined;
  const line = (await firstText(path)).split('\n').find((text) => text.trim() !== '');
  if (line === undefined) return undefined;
  return format === 'csv' ? line.split(',').map((name) => name.trim().replaceAll('"', '')) : namesOf(line);
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
