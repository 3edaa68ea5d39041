import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckReport, dataCheckOf } from './check.ts';
import { quickCheck } from './quick-check.ts';

const TRAINER = fileURLToPath(new URL('../../trainer', import.meta.url));
const HELPDESK = new URL('../../examples/quickstart/data/helpdesk.jsonl', import.meta.url);

const thorough = dataCheckOf('python3', { PATH: process.env['PATH'], PYTHONPATH: TRAINER });
const alone = quickCheck(() => Promise.reject(new Error('asked the trainer')));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kriptik-quick-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  files += 1;
  const path = join(folder, `${files}.jsonl`);
  writeFileSync(path, content);
  return pathToFileURL(path).href;
}

const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const times = (count: number, row: (index: number) => unknown): string =>
  lines(Array.from({ length: count }, (_, index) => row(index)));
const qa = (index: number): unknown => ({ question: `Question ${index}?`, answer: 'a'.repeat(index + 1) });

describe('a file that is plainly in order', () => {
  it.each<[name: string, content: () => string | Uint8Array]>([
    ['the quickstart’s', () => readFileSync(HELPDESK)],
    ['questions and answers whose lengths round to even', () => times(41, qa)],
    ['an empty line and carriage returns', () => `${times(5, qa).replaceAll('\n', '\r\n\r\n')}\r\n`],
    ['a byte order mark', () => `\uFEFF${times(6, qa)}`],
    ['code points beyond the first plane', () => times(7, (index) => ({ text: `${'😀'.repeat(index + 2)} 日本語 é` }))],
    [
      'instructions, some with input or an empty system text',
      () =>
        times(9, (index) => ({
          instruction: `Do ${index}`,
          output: 'done',
          ...(index % 2 === 0 && { input: 'this' }),
          ...(index % 3 === 0 && { system: '' }),
          ...(index % 4 === 0 && { system: null }),
        })),
    ],
    ['prompts with a system text', () => times(4, () => ({ prompt: 'p', completion: 'c', system: 'Be kind.' }))],
    [
      'conversations',
      () =>
        times(8, (index) => ({
          id: index,
          messages: [
            { role: 'system', content: 'You help.' },
            { role: 'user', content: `Hello: "${'x'.repeat(index)}"`, name: 'a:b' },
            { role: 'assistant', content: 'Hi.' },
          ],
        })),
    ],
    [
      'a mean that lies between two tenths',
      () => lines([{ text: 'a' }, { text: 'a' }, { text: 'a' }, { text: 'abcdefgh' }]),
    ],
  ])('gives the figures of the trainer’s check: %s', async (_, content) => {
    const uri = file(content());
    const quick = await alone(uri, 'jsonl');
    expect(quick).toEqual(await thorough(uri, 'jsonl'));
    expect(quick.files[0]?.sha256).toBe(
      createHash('sha256')
        .update(readFileSync(fileURLToPath(uri)))
        .digest('hex'),
    );
  });
});

describe('any other file is for the trainer to judge', () => {
  const good = times(5, qa);
  it.each<[name: string, content: string | Uint8Array]>([
    ['an empty file', ''],
    ['three rows', times(3, qa)],
    ['a line that is no JSON', `${good}\n{`],
    ['a list', `${good}\n[1]`],
    ['a field that is there twice', `${good}\n{"question":"a","answer":"b","answer":"c"}`],
    ['a field inside that is there twice', `${good}\n{"question":"a","answer":"b","more":{"x":1,"x":2}}`],
    ['a missing field', `${good}\n{"question":"a"}`],
    ['an empty text', `${good}\n{"question":" ","answer":"b"}`],
    ['a number for a text', `${good}\n{"question":1,"answer":"b"}`],
    ['an optional field that is no text', `${good}\n{"question":"a","answer":"b","system":1}`],
    ['mixed shapes', `${good}\n{"text":"a"}`],
    ['no shape at all', times(5, () => ({ foo: 'bar' }))],
    ['half a surrogate pair', `${good}\n{"question":"\\ud800","answer":"b"}`],
    ['a byte that is not UTF-8', Buffer.concat([Buffer.from(good), Buffer.from([0x0a, 0xff])])],
    ['a conversation without an answer', times(5, () => ({ messages: [{ role: 'user', content: 'a' }] }))],
    ['a role of another tool', times(5, () => ({ messages: [{ role: 'gpt', content: 'a' }] }))],
    [
      'a system message in the middle',
      times(5, () => ({
        messages: [
          { role: 'assistant', content: 'a' },
          { role: 'system', content: 'b' },
        ],
      })),
    ],
  ])('%s', async (_, content) => {
    await expect(alone(file(content), 'jsonl')).rejects.toThrow('asked the trainer');
  });

  it('and so is any other format, a folder and a file that is not there', async () => {
    const uri = file(good);
    const folderUri = pathToFileURL(folder).href;
    for (const [one, format] of [
      [uri, 'csv'],
      [folderUri, 'jsonl'],
      [`${uri}.gone`, 'jsonl'],
    ] as const)
      await expect(alone(one, format)).rejects.toThrow('asked the trainer');
  });

  it('whose report is handed on as it is', async () => {
    const report: CheckReport = { ok: false, rows: 0, tokens: { mean: 0, p95: 0, max: 0 }, files: [] };
    expect(await quickCheck(() => Promise.resolve(report))(file(''), 'jsonl')).toBe(report);
  });
});
