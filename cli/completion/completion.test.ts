import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allCommands } from '../commands.ts';
import { buildProgram } from '../program.ts';
import { runCli } from '../testing.ts';
import { COMPLETED_COMMANDS, wantedAt } from './complete.ts';
import { completionScript, SHELLS } from './scripts.ts';

const program = buildProgram(
  await allCommands(),
  () => {
    throw new Error('completion of words opens no session');
  },
  { out: () => undefined, columns: 100 },
);

const valuesAt = (...words: string[]): string[] => {
  const wanted = wantedAt(program, words);
  return wanted.kind === 'words' ? wanted.words.map(({ value }) => value) : [];
};

describe('wantedAt', () => {
  it('offers commands first, without the hidden one', () => {
    expect(valuesAt('')).toContain('approve');
    expect(valuesAt('').some((word) => word.startsWith('_'))).toBe(false);
    expect(valuesAt('-n', 'team', '')).toContain('approve');
  });

  it('offers options of the command and the global ones', () => {
    expect(valuesAt('watch', 'x', '--')).toEqual(
      expect.arrayContaining(['--until', '--timeout', '--namespace', '--context', '--help']),
    );
    expect(valuesAt('get', '-')).not.toContain('--until');
  });

  it('offers the values of an option', () => {
    expect(valuesAt('get', 'goals', '-o', '')).toEqual(['table', 'wide', 'json', 'yaml', 'name']);
    expect(valuesAt('get', '--output=')).toEqual(['table', 'wide', 'json', 'yaml', 'name']);
    expect(valuesAt('watch', 'x', '--until', '')).toContain('Succeeded');
    expect(wantedAt(program, ['get', '-n', '']).kind).toBe('namespaces');
    expect(wantedAt(program, ['get', '--context', '']).kind).toBe('contexts');
    expect(wantedAt(program, ['apply', '-f', '']).kind).toBe('files');
    expect(valuesAt('watch', 'x', '--timeout', '')).toEqual([]);
  });

  it('offers kinds, names of the kind, and choices of a plan', () => {
    expect(valuesAt('get', '')).toEqual(['goals', 'plans', 'jobs', 'policies', 'providers']);
    expect(wantedAt(program, ['get', 'plans', ''])).toEqual({ kind: 'namesOf', type: 'plans' });
    expect(wantedAt(program, ['-n', 'team', 'approve', ''])).toEqual({ kind: 'targets', types: ['goals', 'plans'] });
    expect(wantedAt(program, ['select', 'helpdesk', ''])).toEqual({ kind: 'choices', target: 'helpdesk' });
    expect(valuesAt('approve', 'helpdesk', '')).toEqual([]);
  });

  it('completes files where a file is asked for, and the tiles of --set', () => {
    for (const words of [
      ['plan', '--policy', ''],
      ['plan', '--provider', ''],
      ['eval', 'intent', ''],
      ['eval', 'estimates', ''],
    ])
      expect(wantedAt(program, words).kind).toBe('files');
    expect(valuesAt('eval', '')).toEqual(['intent', 'estimates']);
    expect(valuesAt('plan', '--set', '')).toEqual(['model=', 'method=', 'data=', 'gpu=', 'budget=']);
  });

  it('knows every command whose first argument is an object, and no other', () => {
    const taking = program.commands
      .filter((command) => ['target', 'goal'].includes(command.registeredArguments[0]?.name() ?? ''))
      .map((command) => command.name());
    expect([...COMPLETED_COMMANDS].sort()).toEqual(taking.sort());
  });
});

describe('__complete', () => {
  it('prints what fits, with help behind a tab', async () => {
    const { code, out } = await runCli(['__complete', '--', 'sel']);
    expect([code, out]).toEqual([0, 'select\tchoose other alternatives of a plan and see the new price\n']);
  });

  it('offers nothing, quickly and without a word, when no cluster answers', async () => {
    const { code, out, err } = await runCli(['__complete', '--', 'approve', '']);
    expect([code, out.trim(), err]).toEqual([0, '', '']);
  });
});

/** bash is everywhere; the others are asked where they are. */
const isInstalled = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

describe('scripts', () => {
  it.each(SHELLS)('are printed for %s', async (shell) => {
    expect((await runCli(['completion', shell])).out.trim()).toBe(completionScript(shell).trim());
  });

  it.each(SHELLS.filter(isInstalled))('%s reads its script', (shell) => {
    const folder = mkdtempSync(join(tmpdir(), 'kriptik-complete-'));
    try {
      writeFileSync(join(folder, 'script'), completionScript(shell));
      const { status, stderr } = spawnSync(shell, ['-n', join(folder, 'script')], { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('bash takes the script and completes a command and the value behind an equal sign', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kriptik-complete-'));
    try {
      const fake = join(folder, 'kriptik');
      writeFileSync(fake, "#!/bin/sh\nprintf 'approve\\thelp\\napply\\nmodel=big\\nmodel=small\\n'\n", { mode: 0o755 });
      writeFileSync(join(folder, 'script'), completionScript('bash'));
      const ask = (...words: string[]): string =>
        execFileSync(
          'bash',
          [
            '-c',
            `source "$1/script"; COMP_WORDS=("$1/kriptik" ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _kriptik; printf '%s ' "\${COMPREPLY[@]}"`,
            'bash',
            folder,
          ],
          { encoding: 'utf8' },
        ).trim();
      expect(ask('app')).toBe('approve apply');
      expect(ask('select', 'x', 'model=s')).toBe('small');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
