import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckReport } from '../trainer/check.ts';
import { DataProblem, LocalDataFacts } from './data-facts.ts';

let directory: string;
let checked: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kriptik-facts-'));
  checked = [];
});
afterEach(() => rm(directory, { recursive: true }));

const fine = (uri: string): CheckReport => ({
  ok: true,
  rows: 2,
  tokens: { mean: 10.4, p95: 14, max: 15 },
  files: [{ uri, rows: 2, sizeBytes: 20, sha256: 'ab'.repeat(32), errorCount: 0, errors: [] }],
});
const broken = (uri: string): CheckReport => ({
  ...fine(uri),
  ok: false,
  files: [
    {
      uri,
      rows: 2,
      sizeBytes: 20,
      sha256: null,
      errorCount: 5,
      errors: [{ code: 'x', message: 'no answer', where: 'faq.jsonl:2', remedy: 'Add one', field: 'answer' }],
    },
  ],
});

function facts(report = fine): LocalDataFacts {
  return new LocalDataFacts((uri) => {
    checked.push(uri);
    return Promise.resolve(report(uri));
  });
}

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return pathToFileURL(path).href;
}

const of = (uri: string) => ({ modality: 'llm' as const, data: [{ uri }] });

describe('a data file', () => {
  it('is known by its rows, tokens, size and hash', async () => {
    const uri = await file('faq.jsonl', '{"a":1}\n{"a":2}\n');
    expect(await facts().of(of(uri))).toEqual([
      {
        uri,
        rows: 2,
        tokensPerRow: 10,
        longestRow: 15,
        bytes: 20,
        sha256: 'ab'.repeat(32),
        preferencePairs: false,
        columns: ['a'],
      },
    ]);
  });

  it.each([
    ['pairs.jsonl', '\n{"prompt":"a","chosen":"b","rejected":"c"}\n', true],
    ['chat.jsonl', '{"messages":[]}\n', false],
    ['pairs.csv', 'prompt,"chosen",rejected\na,b,c\n', true],
    ['odd.jsonl', 'not json\n', undefined],
  ])('tells by its first row whether it holds pairs of answers: %s', async (name, text, want) => {
    const [fact] = await facts().of(of(await file(name, text)));
    expect(fact?.preferencePairs).toBe(want);
  });

  it('that changed is checked again', async () => {
    const uri = await file('faq.jsonl', 'one');
    const looks = facts((asked) => ({ ...fine(asked), files: [{ ...fine(asked).files[0], sizeBytes: 3 } as never] }));
    await looks.of(of(uri));
    await looks.of(of(uri));
    expect(checked).toHaveLength(1);
    await file('faq.jsonl', 'one more');
    await looks.of(of(uri));
    expect(checked).toHaveLength(2);
  });

  it('with broken rows is refused with line, field and remedy', async () => {
    const uri = await file('faq.jsonl', 'x');
    await expect(facts(broken).of(of(uri))).rejects.toThrow(
      `${uri} cannot be trained on: faq.jsonl:2, field answer: no answer. Add one (4 more)`,
    );
  });

  it('elsewhere is not looked at', async () => {
    expect(await facts().of(of('hf://datasets/acme/faq'))).toEqual([]);
    expect(checked).toEqual([]);
  });

  it.each([
    {
      case: 'missing',
      make: () => Promise.resolve(pathToFileURL(join(directory, 'gone.jsonl')).href),
      want: 'does not exist',
    },
    { case: 'empty', make: () => file('faq.jsonl', ''), want: 'is empty' },
    { case: 'a folder', make: () => Promise.resolve(pathToFileURL(directory).href), want: 'is not a file' },
  ])('that is $case is a problem of the data', async ({ make, want }) => {
    const looked = facts().of(of(await make()));
    await expect(looked).rejects.toThrow(want);
    await expect(looked).rejects.toBeInstanceOf(DataProblem);
  });
});
