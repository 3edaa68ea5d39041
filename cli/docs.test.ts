import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cliDocs } from './docs.ts';
import { EXIT, EXIT_CODES } from './exitcodes.ts';
import { runCli } from './testing.ts';

const page = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8');

describe('docs/cli.md', () => {
  it('is what "node cli/write-docs.ts" writes', async () => {
    expect(page).toBe(await cliDocs());
  });

  it('names every exit code', () => {
    expect(EXIT_CODES.map(({ code }) => code).sort((a, b) => a - b)).toEqual(Object.values(EXIT).sort((a, b) => a - b));
    for (const { code, meaning } of EXIT_CODES) expect(page).toContain(`| ${String(code).padEnd(4)} | ${meaning} `);
  });
});

describe('help', () => {
  it('lists every command and none that is hidden', async () => {
    const { code, out } = await runCli(['help']);
    expect(code).toBe(EXIT.ok);
    for (const name of ['up', 'plan', 'apply', 'approve', 'watch', 'raise', 'doctor', 'completion']) {
      expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
    expect(out).not.toContain('__complete');
  });

  it('is shown without arguments and by --help alike', async () => {
    const [bare, flag] = await Promise.all([runCli([]), runCli(['--help'])]);
    expect(bare.out).toBe(flag.out);
    expect(flag.code).toBe(EXIT.ok);
  });

  it('explains the exit codes', async () => {
    const { out } = await runCli(['help', 'exit-codes']);
    expect(out).toContain('  5   Somebody changed it first.');
    expect(out).toContain('130   Interrupted');
  });

  it.each([
    { args: ['aply'], what: "unknown command 'aply'", hint: 'Did you mean apply?' },
    { args: ['get', '--watc'], what: "unknown option '--watc'", hint: 'Did you mean --watch?' },
    { args: ['approve'], what: "missing required argument 'target'", hint: 'kriptik help' },
    { args: ['get', 'goals', '-o', 'xml'], what: 'is invalid. Allowed choices are', hint: 'kriptik help' },
    { args: ['help', 'aprove'], what: 'there is no help for "aprove"', hint: 'Did you mean "approve"?' },
    { args: ['raise', 'x', '--by', 'lots'], what: 'US dollars', hint: 'kriptik help' },
    { args: ['raise', 'x', '--by', '1', '--to', '2'], what: 'cannot be used with option', hint: 'kriptik help' },
    { args: ['eval'], what: 'the command is not complete', hint: '--help' },
    { args: ['help', 'eval', 'intnt'], what: 'there is no help for "intnt"', hint: 'Did you mean "intent"?' },
    { args: ['plan'], what: 'name either a goal or a file', hint: 'kriptik plan -f goal.yaml' },
    { args: ['get', 'gaols'], what: '"gaols" is not a kind of KripTik', hint: 'Did you mean "goals"' },
  ])('answers $args with exit code 2, what is wrong and what to do', async ({ args, what, hint }) => {
    const { code, err, out } = await runCli(args);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('error: ');
    expect(err).toContain(what);
    expect(err).toContain(hint);
    expect(out).toBe('');
  });
});
