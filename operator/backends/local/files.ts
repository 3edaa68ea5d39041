import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import type { z } from 'zod';
import { misconfigured, outcomeUnknown } from '../errors.ts';

/** Whether a disk or a quota without room is behind an error. */
export const isDiskFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

const MAX_RECORD_BYTES = 64 * 1024;

/** The code of a system error, like 'ENOENT'. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/**
 * Reads a small JSON file. Undefined if it does not exist. Records are written atomically, so one that does not
 * parse was damaged from outside: what it described is then not known, and says so as `OutcomeUnknown`.
 */
export const readRecord = async <T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> => {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_RECORD_BYTES) throw outcomeUnknown(`${path} is too large to be a record`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw outcomeUnknown(`${path} is damaged; what it recorded is not known`, error);
  }
};

const writeTemporary = async (path: string, text: string): Promise<string> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporary;
};

/** Replaces the file in one step, readable by this user only, and on disk before it is seen. */
export const writeRecord = async (path: string, value: unknown): Promise<void> => {
  await rename(await writeTemporary(path, JSON.stringify(value)), path);
};

/** Writes the file unless it exists; tells whether it did. Complete in the moment it appears. */
export const createRecord = async (path: string, value: unknown): Promise<boolean> => {
  const temporary = await writeTemporary(path, JSON.stringify(value));
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
};

const REMEDIES: Record<string, string> = {
  EACCES: 'Let the user that runs the operator write there, or choose another workDir.',
  EPERM: 'Let the user that runs the operator write there, or choose another workDir.',
  EROFS: 'The file system is mounted read-only: choose another workDir.',
  ENOSPC: 'The disk is full: free space, or choose a workDir on another disk.',
  EDQUOT: 'The disk quota is used up: free space, or choose another workDir.',
  ENOTDIR: 'A part of the path is a file: choose another workDir.',
};

/** Turns what the file system refused into what a person can do; anything else passes unchanged. */
export const explainFileError = (error: unknown, what: string): unknown => {
  const remedy = REMEDIES[codeOf(error) ?? ''];
  return remedy === undefined ? error : misconfigured(`${what}: ${codeOf(error)}`, remedy, error);
};
