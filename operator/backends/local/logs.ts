import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogOptions } from '../backend.ts';
import { codeOf } from './files.ts';

const CHUNK = 64 * 1024;
const MAX_TAIL_BYTES = 4 * 1024 * 1024;
/** A line longer than this is handed out in pieces, so that a trainer cannot fill the operator's memory. */
const MAX_LINE = 64 * 1024;
const POLL_MS = 200;

const openIfThere = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/** Byte offset at which the last `lines` lines of the file begin; looks back at most 4 MiB. */
const tailOffset = async (file: FileHandle, size: number, lines: number): Promise<number> => {
  const buffer = Buffer.alloc(CHUNK);
  let found = 0;
  let end = size;
  while (end > 0 && size - end < MAX_TAIL_BYTES) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i -= 1) {
      // The newline that ends the file does not begin a line.
      if (buffer[i] === 0x0a && start + i + 1 < size) {
        found += 1;
        if (found === lines) return start + i + 1;
      }
    }
    end = start;
  }
  return end;
};

/** The last lines of a file, oldest first; none if it does not exist. */
export const tailOf = async (path: string, lines: number): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of readLines(path, { tailLines: lines }, async () => true)) found.push(line);
  return found;
};

/**
 * Yields the lines of a growing file. Without `follow` what is there now; with it until `ended` says that nothing
 * more is written and the end is reached, or `signal` aborts. Starts over when the file was cut short by rotation.
 */
export async function* readLines(
  path: string,
  options: LogOptions,
  ended: () => Promise<boolean>,
): AsyncGenerator<string, void, void> {
  const buffer = Buffer.alloc(CHUNK);
  let decoder = new TextDecoder();
  let file: FileHandle | undefined;
  let offset = 0;
  let pending = '';
  const aborted = (): boolean => options.signal?.aborted === true;
  try {
    while (!aborted()) {
      // Before reading: what was written until the end is then read for certain.
      const last = options.follow !== true || (await ended());
      if (file === undefined) {
        file = await openIfThere(path);
        if (file !== undefined && options.tailLines !== undefined) {
          const { size } = await file.stat();
          offset = options.tailLines === 0 ? size : await tailOffset(file, size, options.tailLines);
        }
      }
      if (file !== undefined && (await file.stat()).size < offset) {
        offset = 0;
        pending = '';
        decoder = new TextDecoder();
      }
      for (;;) {
        const bytesRead = file === undefined ? 0 : (await file.read(buffer, 0, CHUNK, offset)).bytesRead;
        if (bytesRead === 0) break;
        offset += bytesRead;
        pending += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
        const lines = pending.split('\n');
        pending = lines.pop() ?? '';
        yield* lines;
        if (pending.length > MAX_LINE) {
          yield pending;
          pending = '';
        }
        if (aborted()) return;
      }
      if (last) {
        if (pending !== '') yield pending;
        return;
      }
      try {
        await delay(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
      } catch {
        return; // aborted while waiting
      }
    }
  } finally {
    await file?.close();
  }
}
