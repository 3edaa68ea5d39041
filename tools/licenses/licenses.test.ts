import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectDependencies, type Dependency } from './collect.ts';
import { isAllowed } from './policy.ts';
import { findProblems, licensePage } from './report.ts';

describe('a licence expression', () => {
  it.each([
    ['MIT', true],
    ['GPL-3.0-only', false],
    ['unknown', false],
    ['', false],
    ['(MIT OR GPL-2.0-only)', true],
    ['GPL-2.0-only OR GPL-3.0-only', false],
    ['MIT AND GPL-2.0-only', false],
    ['Apache-2.0 AND (MIT OR GPL-2.0-only)', true],
    ['MIT OR', false],
    ['(MIT', false],
    ['SEE LICENSE IN LICENSE.txt', false],
  ])('%j is allowed in what is shipped: %s', (expression, want) => {
    expect(isAllowed(expression, false)).toBe(want);
  });

  it('of weak copyleft is allowed for development only', () => {
    expect(isAllowed('MPL-2.0', true)).toBe(true);
    expect(isAllowed('MPL-2.0', false)).toBe(false);
  });
});

describe('the dependencies', () => {
  it('are read from the lock file, the licence from the installed package where the lock file has none', () => {
    const root = mkdtempSync(join(tmpdir(), 'kriptik-licenses-'));
    try {
      mkdirSync(join(root, 'node_modules', 'old'), { recursive: true });
      writeFileSync(join(root, 'node_modules', 'old', 'package.json'), '{"licenses": [{"type": "MIT"}]}');
      const packages = {
        '': { name: 'root' },
        tools: { name: '@kriptik/tools', version: '0.1.0' },
        'node_modules/@kriptik/tools': { resolved: 'tools', link: true },
        'node_modules/old': { version: '1.0.0' },
        'node_modules/both': { version: '2.0.0', license: 'ISC', dev: true },
        'node_modules/a/node_modules/both': { version: '2.0.0', license: 'ISC' },
        'node_modules/lost': { version: '3.0.0', dev: true },
      };
      writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
      expect(collectDependencies(root)).toEqual([
        { name: 'both', version: '2.0.0', license: 'ISC', development: false },
        { name: 'lost', version: '3.0.0', license: 'unknown', development: true },
        { name: 'old', version: '1.0.0', license: 'MIT', development: false },
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('the check', () => {
  const good: Dependency = { name: 'good', version: '1.0.0', license: 'MIT', development: false };

  it('is content when the page fits and every licence is allowed', () => {
    expect(findProblems([good], licensePage([good]))).toEqual([]);
  });

  it('names a package with a licence that is not allowed', () => {
    const bad = { ...good, name: 'bad', license: 'AGPL-3.0-only' };
    expect(findProblems([bad], licensePage([bad]))).toEqual([
      expect.stringMatching(/^bad 1\.0\.0 has the licence AGPL-3\.0-only, .*\/policy\.ts/),
    ]);
  });

  it.each([
    ['is missing', undefined],
    ['is out of date', licensePage([])],
  ])('asks for the page when it %s', (_name, page) => {
    expect(findProblems([good], page)).toEqual([expect.stringContaining('--write')]);
  });
});
