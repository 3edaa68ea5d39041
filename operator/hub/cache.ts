import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An answer and when it was given, in epoch ms. */
export interface Kept<T> {
  readonly at: number;
  readonly value: T;
}

/** Where answers are kept, by key. */
export interface AnswerCache {
  get(key: string): Promise<Kept<unknown> | undefined>;
  put(key: string, kept: Kept<unknown>): Promise<void>;
}

/** Answers kept in memory at most; the oldest go first. */
const MOST = 2_000;

export function memoryCache(): AnswerCache {
  const kept = new Map<string, Kept<unknown>>();
  return {
    get: (key) => Promise.resolve(kept.get(key)),
    put: (key, answer) => {
      kept.delete(key);
      kept.set(key, answer);
      const [oldest] = kept.keys();
      if (kept.size > MOST && oldest !== undefined) kept.delete(oldest);
      return Promise.resolve();
    },
  };
}

/**
 * Answers as files of a directory, so that a later process needs no network. It never fails a caller: what cannot be
 * read counts as unknown, what cannot be written is left out.
 */
export function diskCache(directory: string, memory: AnswerCache = memoryCache()): AnswerCache {
  const pathOf = (key: string): string => join(directory, `${createHash('sha256').update(key).digest('hex')}.json`);
  return {
    get: async (key) => {
      const known = await memory.get(key);
      if (known !== undefined) return known;
      const text = await readFile(pathOf(key), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : parsed(text);
    },
    put: async (key, answer) => {
      await memory.put(key, answer);
      const path = pathOf(key);
      // Renamed into place: a reader sees a whole file or none. Facts of private repositories are for the owner alone.
      const draft = `${path}.${process.pid}`;
      await mkdir(directory, { recursive: true, mode: 0o700 })
        .then(() => writeFile(draft, JSON.stringify(answer), { mode: 0o600 }))
        .then(() => rename(draft, path))
        .catch(() => {});
    },
  };
}

function parsed(text: string): Kept<unknown> | undefined {
  try {
    const file: unknown = JSON.parse(text);
    if (typeof file !== 'object' || file === null || !('at' in file) || !('value' in file)) return undefined;
    return typeof file.at === 'number' ? { at: file.at, value: file.value } : undefined;
  } catch {
    return undefined;
  }
}
