import { open } from 'node:fs/promises';
import type { Contract } from '@kriptik/crds';
import { formOf, type RowForm } from '../planner/data/forms.ts';
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

/** What a source's rows are for, with the columns of the first; of text these tell it. */
export interface RowKind {
  /** Undefined where the first row cannot be read or is not plain. */
  readonly kind: DataKind | undefined;
  readonly columns?: readonly string[];
}

/** Looks at the first row of a source. */
export async function rowKind(modality: Contract['modality'], path: string, format: string): Promise<RowKind> {
  const columns = await firstNames(path, format);
  const form = columns === undefined ? undefined : formOf(columns);
  const media = MEDIA[modality];
  if (media !== undefined) return { kind: media === 'questions' && form === 'pairs' ? 'seen-preferences' : media };
  if (columns === undefined) return { kind: undefined };
  return { kind: form === undefined ? 'chat' : KINDS[form], columns };
}

const KINDS: Readonly<Record<RowForm, DataKind>> = {
  pairs: 'preferences',
  judged: 'judged',
  prompts: 'prompts',
  answers: 'chat',
  text: 'chat',
};

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
