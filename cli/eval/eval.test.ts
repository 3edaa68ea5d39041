import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../exitcodes.ts';
import { runCli } from '../testing.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kriptik-eval-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, lines: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

const PLAIN = {
  id: 'a',
  text: 'Fine-tune Llama 3.1 8B with LoRA on our support tickets, under $40.',
  gold: { modality: 'llm', methods_ok: ['lora'], base_model: 'llama-3.1-8b', budget_usd: 40 },
};
const WRONG = { ...PLAIN, id: 'b', gold: { ...PLAIN.gold, budget_usd: 50 } };

describe('eval intent', () => {
  it('prints each score and every miss', async () => {
    const { code, out } = await runCli(['eval', 'intent', file('two.jsonl', [PLAIN, WRONG])]);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^modality +100\.0 % +0$/m);
    expect(out).toMatch(/^budget +50\.0 % +1$/m);
    expect(out).toMatch(/^ {2}b +budget +50 USD +40 USD +Fine-tune Llama/m);
  });

  it('prints scores and misses alone as JSON', async () => {
    const { out } = await runCli(['eval', 'intent', '-', '-o', 'json'], { stdin: `${JSON.stringify(WRONG)}\n` });
    const { text } = WRONG;
    expect(JSON.parse(out)).toEqual({
      scores: {
        modality: 1,
        method: 1,
        baseModel: 1,
        budget: 0,
        mustClarify: 1,
        refuse: 1,
        injection: 1,
        conflict: 1,
      },
      misses: [
        {
          id: 'b',
          field: 'budget',
          expected: { amount: 50, currency: 'USD' },
          got: { amount: '40', currency: 'USD' },
          text,
        },
      ],
    });
  });

  it('names every line that cannot be scored and scores none', async () => {
    const { code, out, err } = await runCli(['eval', 'intent', file('bad.jsonl', [PLAIN, '{', { id: 'c' }])]);
    expect(code).toBe(EXIT.usage);
    expect(out).toBe('');
    expect(err).toContain('bad.jsonl:2: is not JSON');
    expect(err).toMatch(/bad\.jsonl:3: text: /);
  });

  it.each([
    { name: 'a file that is not there', args: ['nowhere.jsonl'], code: EXIT.notFound, what: 'cannot be read' },
    { name: 'an empty file', args: ['-'], code: EXIT.usage, what: 'holds no goals' },
    { name: 'an engine without its key', args: ['one', '--engine', 'claude'], code: EXIT.usage, what: 'needs a key' },
    { name: 'an engine nobody knows', args: ['one', '--engine', 'gpt'], code: EXIT.usage, what: 'offline, claude' },
  ])('refuses $name', async ({ args: [name = '', ...rest], code, what }) => {
    const path = name === 'one' ? file('one.jsonl', [PLAIN]) : name;
    const ran = await runCli(['eval', 'intent', path, ...rest]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(what);
    expect(ran.err).toContain('fix:');
  });
});

describe('eval estimates', () => {
  const HEADER = 'method\tparams_b\tmodality\tgpu\tgpus\tseq_len\tbatch\tquantity\tvalue\tnote';
  const RUN = 'full\t6.66\tllm\tA100-80GB\t8\t2048\t\ttokens_per_s_per_gpu\t4641\tFSDP bf16';
  const table = (...rows: string[]): string => [HEADER, ...rows].join('\n');

  it('prints each row with its ratio, and the errors over all', async () => {
    const { code, out } = await runCli(['eval', 'estimates', file('runs.tsv', [table(RUN)])]);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^1 rows: median error \d+\.\d %, nine of ten within \d+\.\d %\n/);
    expect(out).toMatch(/ 2 +full llm 6\.66B +8xA100-80GB +tok\/s\/GPU +4641 +\d+ +\d\.\d\d +FSDP bf16/);
  });

  it('prints median, p90 and rows alone as JSON', async () => {
    const { out } = await runCli(['eval', 'estimates', '-', '-o', 'json'], { stdin: table(RUN, RUN) });
    const seen = JSON.parse(out) as { median: number; p90: number; rows: { ratio: number; published: number }[] };
    expect(Object.keys(seen)).toEqual(['median', 'p90', 'rows']);
    expect(seen.rows.map(({ published }) => published)).toEqual([4641, 4641]);
    expect(seen.median).toBeCloseTo(Math.abs((seen.rows[0]?.ratio ?? 0) - 1));
  });

  it('names a row it leaves out and scores the others', async () => {
    const { code, out, err } = await runCli(['eval', 'estimates', '-'], { stdin: table(RUN, 'abacus\t1') });
    expect([code, out.slice(0, 6)]).toEqual([EXIT.ok, '1 rows']);
    expect(err).toMatch(/^left out: -:3: /);
  });

  it.each([
    ['an empty file', ''],
    ['another table', 'a\tb\n1\t2\n'],
    ['a table without rows', HEADER],
  ])('refuses %s', async (_, stdin) => {
    const { code, err } = await runCli(['eval', 'estimates', '-'], { stdin });
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('no row that can be scored');
  });
});
