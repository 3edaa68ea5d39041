import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLines, tailOf } from './logs.ts';

let root: string;
let log: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-logs-'));
  log = join(root, 'trainer.log');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const collect = async (lines: AsyncIterable<string>): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
};
const running = async (): Promise<boolean> => false;

describe('without following', () => {
  const many = Array.from({ length: 40_000 }, (_, i) => `line ${i}`);
  test.each([
    ['no file', undefined, 3, []],
    ['an empty file', '', 3, []],
    ['fewer lines than asked for', 'a\nb\n', 3, ['a', 'b']],
    ['the last lines', 'a\nb\nc\nd\n', 2, ['c', 'd']],
    ['a last line without an end', 'a\nb\nc', 2, ['b', 'c']],
    ['empty lines', 'a\n\n\n', 2, ['', '']],
    ['no lines at all', 'a\nb\n', 0, []],
    ['a long file, read from its end', `${many.join('\n')}\n`, 20_000, many.slice(20_000)],
  ])('%s', async (_, text, lines, expected) => {
    if (text !== undefined) await writeFile(log, text);
    expect(await tailOf(log, lines)).toEqual(expected);
  });

  test('a character that is split between two reads is whole', async () => {
    const text = `${'x'.repeat(64 * 1024 - 1)}é`;
    await writeFile(log, `${text}\n`);
    expect((await tailOf(log, 1)).join('')).toBe(text);
  });
});

describe('following', () => {
  test('yields what is written until the end, and the rest without a newline', async () => {
    let ended = false;
    const lines = readLines(log, { follow: true }, async () => ended);
    const next = async (): Promise<string | undefined> => {
      const result = await lines.next();
      return result.done === true ? undefined : result.value;
    };
    const first = next();
    await writeFile(log, 'one\ntw');
    expect(await first).toBe('one');
    const second = next();
    await appendFile(log, 'o\nthree');
    expect(await second).toBe('two');
    ended = true;
    expect(await next()).toBe('three');
    expect(await next()).toBeUndefined();
  });

  test('goes on with a file that was cut by rotation', async () => {
    await writeFile(log, 'old and long\n');
    const lines = readLines(log, { follow: true }, running);
    expect((await lines.next()).value).toBe('old and long');
    const next = lines.next();
    await truncate(log, 0);
    await appendFile(log, 'new\n');
    expect((await next).value).toBe('new');
    await lines.return();
  });

  test('ends when it is aborted, also while it waits', async () => {
    const stopper = new AbortController();
    await writeFile(log, 'one\n');
    const lines = readLines(log, { follow: true, signal: stopper.signal }, running);
    expect((await lines.next()).value).toBe('one');
    const waiting = collect(lines);
    stopper.abort();
    expect(await waiting).toEqual([]);
  });

  test('a line without an end does not fill the memory', async () => {
    await writeFile(log, 'x'.repeat(1_000_000));
    const pieces = await collect(readLines(log, {}, running));
    expect(pieces.join('')).toHaveLength(1_000_000);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(128 * 1024);
  });
});
