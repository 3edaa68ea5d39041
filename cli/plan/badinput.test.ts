import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT, type ExitCode } from '../exitcodes.ts';
import { type Ran, runCli } from '../testing.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kriptik-bad-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A goal that is well formed but for what is changed. */
function goal(spec: Record<string, unknown>): string {
  const whole = {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingGoal',
    metadata: { name: 'bad' },
    spec: {
      goal: 'Fine-tune Qwen2.5 7B with QLoRA to answer the questions of our customers.',
      budget: { limit: '50.00', currency: 'USD' },
      data: [{ uri: 's3://desk/rows.jsonl', rows: 5000 }],
      ...spec,
    },
  };
  // JSON is YAML; one field a line, so that lines can be told.
  return JSON.stringify(whole, undefined, 1);
}

const budget = (limit: unknown, currency = 'USD') => goal({ budget: { limit, currency } });
const constraints = (fields: Record<string, unknown>) => goal({ constraints: fields });

async function planned(content: string | Uint8Array): Promise<Ran> {
  const file = join(folder, 'goal.yaml');
  writeFileSync(file, content);
  return await runCli(['plan', '--offline', '-f', 'goal.yaml'], { cwd: folder });
}

const { usage, unclear, unplannable } = EXIT;

describe('a goal that is wrong ends with a code, the place and a remedy', () => {
  it.each<[name: string, content: string | Uint8Array, code: ExitCode, told: RegExp]>([
    ['an empty file', '', usage, /goal\.yaml holds no TrainingGoal|holds no object/],
    ['only a comment', '# later\n', usage, /holds no/],
    ['a binary file', Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff]), usage, /goal\.yaml[\s\S]*UTF-8/],
    ['text with a NUL', 'kind: \0', usage, /not UTF-8 text/],
    ['two megabytes', 'x'.repeat(2 * 1024 * 1024), usage, /larger than 1 MiB/],
    ['100 kB of goal', goal({ goal: 'train it '.repeat(11_400) }), usage, /spec\.goal: is 10\d{4} characters long/],
    ['brackets without end', '['.repeat(100_000), usage, /goal\.yaml/],
    ['aliases that multiply', aliases(), usage, /goal\.yaml/],
    ['a control character', goal({ goal: 'Train\u0007 it' }), usage, /spec\.goal: holds the control character U\+0007/],
    ['an escape sequence', goal({ goal: '\u001b[2JTrain it' }), usage, /U\+001B/],
    ['half a character', goal({ goal: 'Train\ud800 it' }), usage, /spec\.goal: holds half of a surrogate pair/],
    ['a blank goal', goal({ goal: '   ' }), usage, /spec\.goal: .*blank/],
    ['no goal', goal({ goal: undefined }), usage, /"goal" is missing/],
    ['a budget of nothing', budget('0'), usage, /goal\.yaml:\d+: spec\.budget\.limit: .*above 0/],
    ['a negative budget', budget('-5'), usage, /spec\.budget\.limit: .*above 0/],
    ['an absurd budget', budget('99999999999999999999'), usage, /spec\.budget\.limit: .*amount in US dollars/],
    ['a budget that is a number', budget(50), usage, /spec\.budget\.limit: must be text/],
    ['a budget that is no number', budget('lots'), usage, /spec\.budget\.limit/],
    ['an unknown currency', budget('50', 'XYZ'), usage, /spec\.budget\.currency: "XYZ" is not one of USD/],
    ['a deadline that has passed', constraints({ deadline: '-3h' }), usage, /spec\.constraints\.deadline: .*time span/],
    ['a deadline of no time', constraints({ deadline: '0h' }), usage, /spec\.constraints\.deadline/],
    ['a date as deadline', constraints({ deadline: '2020-01-01' }), usage, /spec\.constraints\.deadline/],
    ['a deadline nothing can keep', constraints({ deadline: '1m' }), unplannable, /spec\.constraints\.deadline/],
    ['an unknown model', constraints({ model: 'gpt-nonsense-9000' }), unplannable, /spec\.constraints\.model/],
    [
      'a method that is none',
      constraints({ method: 'qlroa' }),
      usage,
      /spec\.constraints\.method: "qlroa" is not one of .*Did you mean "qlora"/,
    ],
    [
      'data that is not there',
      goal({ data: [{ uri: 'file:///nowhere/rows.jsonl' }] }),
      unplannable,
      /spec\.data.*\n?[\s\S]*does not exist|does not exist[\s\S]*spec\.data/,
    ],
    ['data that is no address', goal({ data: [{ uri: 'rows' }] }), usage, /spec\.data\[0\]\.uri/],
    [
      'a date that is past',
      goal({ goal: 'Fine-tune Qwen2.5 7B with QLoRA on our FAQ, by 3 January 2020.' }),
      unclear,
      /spec\.constraints\.deadline\n {4}.*2020-01-03, which is past/,
    ],
    ['nothing to go on', goal({ goal: 'Train it.', data: undefined }), unclear, /goal\.yaml:\d+: spec\.(goal|data)\n/],
    ['a budget in no field', goal({ budget: undefined }), unclear, /goal\.yaml:\d+: spec\.budget\.limit\n/],
  ])('%s', async (_, content, code, told) => {
    const ran = await planned(content);
    expect(ran.err).toMatch(told);
    expect(ran.code).toBe(code);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('fix:');
    expect(ran.err).not.toMatch(/\n\s+at |not expected/);
    expect(ran.err).not.toContain('\u001b');
    expect(ran.err.length).toBeLessThan(4_000);
  });

  it('is told in a comment for a pull request, without markup of others', async () => {
    writeFileSync(join(folder, 'goal.yaml'), goal({ goal: 'Train <b>it</b>.', data: undefined }));
    const ran = await runCli(['plan', '--offline', '-o', 'markdown', '-f', 'goal.yaml'], { cwd: folder });
    expect(ran.code).toBe(unclear);
    expect(ran.out).toMatch(/^### Training plan: bad\n\n\*\*No plan:\*\* the goal [^\n]+\n\n- goal\.yaml:\d+: spec\./);
    expect(ran.out).toMatch(/\*\*What to do\*\*\n\n- Answer these/);
    expect(ran.out).not.toContain('<b>');
  });

  it('is told of standard input, too, in a line or two', async () => {
    for (const [stdin, told] of [
      ['\uFFFD\uFFFD: x', /not UTF-8 text/],
      ['', /spec\.goal: must not be empty/],
      [`kind: "${'x'.repeat(5_000)}`, /not valid YAML|kind/],
    ] as const) {
      const ran = await runCli(['plan', '--offline', '-f', '-'], { stdin });
      expect(ran.code).toBe(usage);
      expect(ran.err).toMatch(told);
      expect(ran.err.length).toBeLessThan(1_000);
    }
  });

  it.each([
    ['an empty file', '', /holds no object/],
    ['a control character', goal({ goal: 'Train\u0007 it' }), /spec\.goal: holds the control character U\+0007/],
    ['a budget of nothing', budget('0'), /spec\.budget\.limit: .*above 0/],
    ['an unknown currency', budget('50', 'XYZ'), /spec\.budget\.currency/],
    ['a deadline that has passed', constraints({ deadline: '-3h' }), /spec\.constraints\.deadline/],
  ] as const)('apply sends nothing for %s', async (_, content, told) => {
    writeFileSync(join(folder, 'goal.yaml'), content);
    const ran = await runCli(['apply', '-f', 'goal.yaml'], { cwd: folder });
    expect([ran.code, ran.out]).toEqual([usage, '']);
    expect(ran.err).toMatch(told);
  });

  it('refuses data of this machine that cannot be trained on, with its line', async () => {
    writeFileSync(join(folder, 'rows.jsonl'), '{"question":"a","answer":"b"}\n'.repeat(6).concat('{"question":"a"}\n'));
    const ran = await planned(goal({ data: [{ uri: './rows.jsonl' }] }));
    expect(ran.code).toBe(EXIT.unplannable);
    expect(ran.err).toMatch(/rows\.jsonl line 7/);
  });
});

describe('what was asked for wrongly', () => {
  const text = 'Fine-tune Qwen2.5 7B with QLoRA on our FAQ, 5,000 pairs at s3://desk/rows.jsonl, under $50.';
  it.each<[name: string, args: string[], code: ExitCode, told: RegExp]>([
    ['a file that is not there', ['-f', 'nowhere.yaml'], EXIT.notFound, /nowhere\.yaml/],
    ['no goal at all', [], usage, /name either a goal or a file/],
    ['a tile that is none', [text, '--set', 'colour=red'], usage, /"colour" is not a tile/],
    ['a choice that is none', [text, '--set', 'gpu=abacus'], EXIT.notFound, /abacus/],
    ['a policy that is not there', [text, '--policy', 'none.yaml'], EXIT.notFound, /none\.yaml/],
    [
      'a policy file that holds nothing',
      [text, '--policy', 'empty.yaml'],
      usage,
      /empty\.yaml holds no TrainingPolicy/,
    ],
    ['a provider file that holds nothing', [text, '--provider', 'empty.yaml'], usage, /holds no ComputeProvider/],
    ['an empty word', [''], usage, /name either a goal or a file/],
    ['words without spaces', ['训练一个更好的模型'], unclear, /spec\.(goal|data)/],
    ['words that say nothing', ['make it better please'], unclear, /spec\.goal/],
  ])('%s', async (_, args, code, told) => {
    writeFileSync(join(folder, 'empty.yaml'), '# later\n');
    const ran = await runCli(['plan', '--offline', ...args], { cwd: folder });
    expect([ran.code, ran.out]).toEqual([code, '']);
    expect(ran.err).toMatch(told);
    expect(ran.err).toContain('fix:');
  });
});

/** Nine levels of nine: 387 million entries once every alias is followed. */
function aliases(): string {
  const levels = Array.from({ length: 9 }, (_, index) => {
    const entry = index === 0 ? 'x' : `*a${index - 1}`;
    return `a${index}: &a${index} [${Array.from({ length: 9 }, () => entry).join(', ')}]`;
  });
  return `${levels.join('\n')}\n`;
}
