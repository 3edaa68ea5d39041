import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifests, readManifests } from './manifests.ts';

const named = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const names = (text: string) => parseManifests(text, 'file.yaml').map(({ metadata }) => metadata.name);

describe('manifests', () => {
  it('may hold several documents, empty ones among them', () => {
    expect(names(`${named('a')}---\n---\n# a comment\n---\n${named('b')}`)).toEqual(['a', 'b']);
  });

  it('may hold lists', () => {
    const item = '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}';
    expect(names(`apiVersion: v1\nkind: List\nitems: [${item}]`)).toEqual(['a']);
  });

  it('may be JSON', () => {
    expect(names('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}')).toEqual(['a']);
  });

  it.each([
    [
      'is not an object of Kubernetes',
      `${named('a')}---\nkind: ConfigMap\n`,
      /file\.yaml, document 2: not a Kubernetes object/,
    ],
    ['is not YAML', 'a: [1\n', /file\.yaml: .*line 2/],
  ])('are refused with their place when one %s', (_name, text, message) => {
    expect(() => parseManifests(text, 'file.yaml')).toThrow(message);
  });

  it('of a folder are read in the order of their names, other files left out', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kriptik-manifests-'));
    try {
      writeFileSync(join(folder, '2.yml'), named('second'));
      writeFileSync(join(folder, '1.yaml'), named('first'));
      writeFileSync(join(folder, 'package.json'), '{}');
      expect(readManifests(folder).map(({ metadata }) => metadata.name)).toEqual(['first', 'second']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
