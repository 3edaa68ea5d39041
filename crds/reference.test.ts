import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fieldTable, refusalTable, renewPage } from './reference.ts';
import { type Crd, loadCrds } from './schema.ts';

const crds = loadCrds();
const find = (kind: string): Crd => {
  const crd = crds.find(({ spec }) => spec.names.kind === kind);
  if (crd === undefined) throw new Error(`no ${kind}`);
  return crd;
};
const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('fieldTable', () => {
  it('names a field with its type, default and meaning', () => {
    const table = fieldTable(find('TrainingGoal'));
    expect(table).toContain(
      '| `spec.budget.alertAt` | integer | Percent of the limit at which people are told. Default: `80`. |',
    );
    expect(table).toContain('| `spec.constraints.quality` | `quick`, `standard`, `high`, `flagship` |');
  });

  it('leaves out what every kind has, and what lies too deep', () => {
    const table = fieldTable(find('TrainingJob'));
    expect(table).toContain('`status.conditions`');
    expect(table).not.toContain('lastTransitionTime');
    expect(table).not.toContain('spec.run.contract.goalText');
  });
});

describe('refusalTable', () => {
  it('names the field a rule blames and what to do', () => {
    const row = '| `spec.local` | type local needs local.pricePerHour: say what an hour of this machine costs |';
    expect(refusalTable(find('ComputeProvider'))).toContain(row);
  });
});

describe('renewPage', () => {
  const page = 'a\n<!-- fields -->\nold\n<!-- end -->\nb\n<!-- refusals -->\n<!-- end -->\nc';

  it('replaces what stands between its markers and keeps the rest', () => {
    const renewed = renewPage(page, find('TrainingPolicy'));
    expect(renewed).not.toContain('old');
    expect(renewed).toMatch(
      /^a\n<!-- fields -->\n\| Field[\s\S]*<!-- end -->\nb\n<!-- refusals -->\n\| Field[\s\S]*<!-- end -->\nc$/,
    );
    expect(renewPage(renewed, find('TrainingPolicy'))).toBe(renewed);
  });

  it('tells which marker is missing', () => {
    expect(() => renewPage('<!-- fields -->', find('TrainingPolicy'))).toThrow('no <!-- fields --> and <!-- end -->');
  });
});

/** Messages of the policies with line breaks of the YAML undone. */
const policies = readdirSync(new URL('../webhooks/', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => read(`../webhooks/${name}`).replace(/\s+/g, ' '))
  .join(' ');

describe.each(crds.map(({ spec }) => spec.names))('the page of $kind', ({ singular, plural }) => {
  const page = read(`../docs/spec/${singular}.md`);

  it('quotes only refusals of admission that exist', () => {
    const section = page.split('## Refusals of admission')[1]?.split('\n## ')[0] ?? '';
    const quoted = [...section.matchAll(/^\| `(.+?)` \|/gm)].map(([, message]) => message ?? '');
    expect(quoted).not.toEqual([]);
    const pieces = quoted.flatMap((message) =>
      message
        .replaceAll(plural, '...')
        .split('...')
        .map((piece) => piece.trim()),
    );
    for (const piece of pieces) expect.soft(policies).toContain(piece);
  });

  it('tells of every phase the status can have', () => {
    const crd = find(crds.find(({ spec }) => spec.names.singular === singular)?.spec.names.kind ?? '');
    const phases = /\| `status\.phase` \| string \| [^:]*: ([^|]*)\. \|/.exec(fieldTable(crd))?.[1] ?? '';
    for (const phase of phases.split(/, | or /).filter((word) => word !== '')) {
      expect.soft(page.split('## Fields')[0], phase).toMatch(new RegExp(`^\\| (\\w+, )?${phase}[ ,]`, 'm'));
    }
  });
});
