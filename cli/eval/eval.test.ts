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
