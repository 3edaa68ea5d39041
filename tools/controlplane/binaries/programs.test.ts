import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildArguments, PROGRAMS } from './programs.ts';

const recipe = (family: string, file: string) => readFileSync(join(import.meta.dirname, family, file), 'utf8');

const FETCHED = Object.values(PROGRAMS).filter(({ family }) => family !== 'pause');

describe.each(FETCHED)('$name', (program) => {
  it('is pinned in go.mod to the version of the table', () => {
    const pinned = recipe(program.family, 'go.mod').match(/(?:^require|=>) (\S+) (\S+)$/m);
    if (program.package !== '.') expect(program.package).toContain(pinned?.[1]);
    expect(program.version).toBe(pinned?.[2]);
  });

  it('is imported by its recipe, so that go.sum covers what it needs', () => {
    if (program.package === '.') expect(recipe(program.family, 'main.go')).toContain('package main');
    else expect(recipe(program.family, 'tools.go')).toContain(`_ "${program.package}"`);
  });
});

it('stamps Kubernetes programs with their version', () => {
  const flags = buildArguments(PROGRAMS['kube-apiserver'], '/out').join(' ');
  expect(flags).toContain('-X k8s.io/component-base/version.gitVersion=v1.37.2');
  expect(flags).toContain('version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37');
});
