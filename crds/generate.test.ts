import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emitModules } from './emit.ts';
import { definitions, drift } from './generate.ts';
import { loadCrds, schemaAt, schemaOf } from './schema.ts';

describe('drift', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kriptik-drift-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const driftOf = (modules: Record<string, string>) =>
    drift(new Map(Object.entries(modules)), pathToFileURL(`${folder}/`));

  it('is none when every file is as generated', () => {
    writeFileSync(join(folder, 'a.ts'), 'type A = 1;');
    expect(driftOf({ 'a.ts': 'type A = 1;' })).toEqual([]);
  });

  it('names a file that was edited, one that is missing and one that is too many', () => {
    writeFileSync(join(folder, 'a.ts'), 'type A = 2;');
    writeFileSync(join(folder, 'old.ts'), '');
    expect(driftOf({ 'a.ts': 'type A = 1;', 'b.ts': '' })).toEqual(['a.ts', 'b.ts', 'old.ts']);
  });

  it('names everything when nothing was generated yet', () => {
    const nowhere = pathToFileURL(`${folder}/types/`);
    expect(drift(new Map([['a.ts', '']]), nowhere)).toEqual(['a.ts']);
  });
});

describe('emitModules', () => {
  it('gives what is committed', async () => {
    const crds = loadCrds();
    const files = new Map([...(await emitModules(crds)), ...definitions(crds)]);
    expect(drift(files, new URL('types/', import.meta.url))).toEqual([]);
  });

  it('uses one type for equal shapes and imports it', async () => {
    const job = (await emitModules(loadCrds())).get('trainingjob.ts') ?? '';
    expect(job).toContain('contract: Contract;');
    expect(job).toMatch(/import type \{.*Contract.*\} from '.\/shared.ts'/);
  });

  it('follows a change of the definitions', async () => {
    const crds = structuredClone(loadCrds());
    const provider = crds.find(({ spec }) => spec.names.kind === 'ComputeProvider');
    const properties = provider && schemaAt(schemaOf(provider), 'spec').properties;
    Object.assign(properties ?? {}, { colour: { type: 'string', enum: ['red', 'blue'] } });
    expect((await emitModules(crds)).get('computeprovider.ts')).toContain("colour?: 'red' | 'blue';");
  });

  it('tells which path of the table leads nowhere', async () => {
    const crds = loadCrds().filter(({ spec }) => spec.names.kind !== 'TrainingJob');
    await expect(emitModules(crds)).rejects.toThrow('no definition of TrainingJob in crds/');
    expect(() => schemaAt({ type: 'object' }, 'spec.x')).toThrow('no schema at "spec.x"');
  });
});
