import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CliError } from '../errors.ts';
import { fakeHost } from '../testing.ts';
import { checkManifests } from './check.ts';
import { withLimit } from './edit.ts';
import { loadManifests, parseManifests } from './load.ts';
import { bundledCrds } from './schema.ts';

const crds = bundledCrds();
const folder = mkdtempSync(join(tmpdir(), 'kriptik-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const goal = (spec: string): string =>
  `apiVersion: training.kriptik.ai/v1alpha1\nkind: TrainingGoal\nmetadata:\n  name: helpdesk\nspec:\n${spec}`;

/** Details of the error that a text ends with. */
function findings(text: string): readonly string[] {
  try {
    checkManifests(parseManifests('goal.yaml', text, '/work'), crds);
  } catch (error) {
    if (error instanceof CliError)
      return [
        ...(error.fault.details ?? []),
        ...(error.fault.where === undefined ? [] : [`${error.fault.where} ${error.fault.what}`]),
      ];
    throw error;
  }
  return [];
}

describe('a goal that is right', () => {
  it('passes, with what the server would fill in', () => {
    const [checked] = checkManifests(
      parseManifests('goal.yaml', goal('  goal: Train it.\n  budget:\n    limit: "5"\n'), '/work'),
      crds,
    );
    expect(checked?.namespaced).toBe(true);
    expect(checked?.plural).toBe('traininggoals');
    expect(checked?.whole).toMatchObject({
      spec: { budget: { limit: '5', currency: 'USD', alertAt: 80, warnAt: 95 } },
    });
    expect(checked?.object).not.toMatchObject({ spec: { budget: { alertAt: 80 } } });
  });

  it('has its relative data paths taken from the folder of the file', () => {
    const [manifest] = parseManifests(
      'goal.yaml',
      goal('  goal: x\n  data:\n    - uri: ./a.jsonl\n    - uri: ../b.csv\n    - uri: hf://datasets/o/n\n'),
      '/work/goals',
    );
    expect(manifest?.value).toMatchObject({
      spec: {
        data: [{ uri: 'file:///work/goals/a.jsonl' }, { uri: 'file:///work/b.csv' }, { uri: 'hf://datasets/o/n' }],
      },
    });
  });
});

describe('a goal that is wrong is told with file and line', () => {
  it.each([
    {
      name: 'a field that does not exist',
      text: goal('  gaol: Train it.\n  goal: x\n'),
      want: 'goal.yaml:6: spec.gaol: there is no field "gaol". Did you mean "goal"?',
    },
    { name: 'a missing field', text: goal('  suspend: true\n'), want: 'goal.yaml:5: spec: "goal" is missing' },
    {
      name: 'a number where text is due',
      text: goal('  goal: x\n  budget:\n    limit: 5\n'),
      want: 'goal.yaml:8: spec.budget.limit: must be text, not the number 5; put it in quotes: "5"',
    },
    {
      name: 'text of the wrong form',
      text: goal('  goal: x\n  budget:\n    limit: "5 dollars"\n'),
      want: 'goal.yaml:8: spec.budget.limit: "5 dollars" is not right: limit is an amount in US dollars',
    },
    {
      name: 'a word that is not allowed',
      text: goal('  goal: x\n  constraints:\n    method: lorra\n'),
      want: 'goal.yaml:8: spec.constraints.method: "lorra" is not one of',
    },
    {
      name: 'a number out of range',
      text: goal('  goal: x\n  budget:\n    limit: "5"\n    alertAt: 0\n'),
      want: 'goal.yaml:9: spec.budget.alertAt: 0 is below 1',
    },
    {
      name: 'an object where a list is due',
      text: goal('  goal: x\n  data:\n    uri: file:///a.jsonl\n'),
      want: 'goal.yaml:7: spec.data: must be a list (lines that begin with "- "), not an object',
    },
    {
      name: 'a fault inside a list',
      text: goal('  goal: x\n  data:\n    - uri: file:///a.jsonl\n    - urs: file:///b.jsonl\n'),
      want: 'goal.yaml:9: spec.data[1].urs: there is no field "urs". Did you mean "uri"?',
    },
    { name: 'an empty value', text: goal('  goal:\n'), want: 'goal.yaml:6: spec.goal: is empty' },
    { name: 'an empty text', text: goal('  goal: ""\n'), want: 'goal.yaml:6: spec.goal: must not be empty' },
    {
      name: 'a kind that does not exist',
      text: 'apiVersion: training.kriptik.ai/v1alpha1\nkind: TraningGoal\nmetadata: {name: x}\n',
      want: 'goal.yaml:2: kind: "TraningGoal" is not a kind of training.kriptik.ai. Did you mean "TrainingGoal"?',
    },
    {
      name: 'another version',
      text: goal('  goal: x\n').replace('v1alpha1', 'v9'),
      want: 'goal.yaml:1: apiVersion: "training.kriptik.ai/v9" is not known; write training.kriptik.ai/v1alpha1',
    },
    {
      name: 'no name',
      text: goal('  goal: x\n').replace('  name: helpdesk', '  labels: {}'),
      want: 'goal.yaml:3: metadata: needs a name',
    },
    { name: 'a list instead of an object', text: '- a\n- b\n', want: 'is not a Kubernetes object' },
    { name: 'a tab', text: goal('\tgoal: x\n'), want: 'goal.yaml:6:1' },
    { name: 'a quote that is not closed', text: goal('  goal: "x\n'), want: 'this is not valid YAML' },
  ])('$name', ({ text, want }) => {
    expect(findings(text).join('\n')).toContain(want);
  });

  it('tells everything at once, over all documents', () => {
    expect(findings(`${goal('  suspend: yes please\n')}---\n${goal('  goal: 7\n')}`)).toHaveLength(3);
  });
});

describe('loadManifests', () => {
  it('reads all YAML files of a folder, in order, and leaves empty documents out', async () => {
    const many = join(folder, 'many');
    mkdirSync(many);
    writeFileSync(join(many, 'b.yaml'), `# nothing\n---\n${goal('  goal: b\n')}`);
    writeFileSync(join(many, 'a.yml'), goal('  goal: a\n'));
    writeFileSync(join(many, 'notes.txt'), 'no');
    const manifests = await loadManifests(fakeHost({ cwd: folder }), 'many');
    expect(manifests.map(({ value, file }) => [file, value])).toMatchObject([
      ['many/a.yml', { spec: { goal: 'a' } }],
      ['many/b.yaml', { spec: { goal: 'b' } }],
    ]);
  });

  it('reads standard input', async () => {
    const manifests = await loadManifests(fakeHost({ stdin: goal('  goal: x\n') }), '-');
    expect(manifests).toHaveLength(1);
  });

  it.each([
    { name: 'a file that is missing', path: 'none.yaml', code: 3 },
    { name: 'a folder without manifests', path: 'empty', code: 3 },
  ])('refuses $name', async ({ path, code }) => {
    mkdirSync(join(folder, 'empty'), { recursive: true });
    await expect(loadManifests(fakeHost({ cwd: folder }), path)).rejects.toMatchObject({ code });
  });
});

describe('withLimit', () => {
  const text = `# ours\n${goal('  goal: x # keep\n  budget:\n    limit: "5.00" # small\n    currency: USD\n')}`;

  it('changes nothing but the amount', () => {
    expect(withLimit(text, 'helpdesk', '7.50')).toBe(text.replace('"5.00"', '"7.50"'));
    expect(withLimit(text.replace('"5.00"', "'5.00'"), 'helpdesk', '7.50')).toBe(text.replace('"5.00"', '"7.50"'));
  });

  it('adds a budget where there is none, and keeps comments', () => {
    const added = withLimit(goal('  goal: x # keep\n'), 'helpdesk', '7.50');
    expect(added).toContain('goal: x # keep');
    expect(added).toContain('  budget:\n    limit: "7.50"');
  });

  it('finds the goal among others', () => {
    const both = `${goal('  goal: a\n  budget:\n    limit: "1.00"\n').replace('helpdesk', 'other')}---\n${text}`;
    expect(withLimit(both, 'helpdesk', '9.00')).toBe(both.replace('"5.00"', '"9.00"'));
  });

  it('says when the goal is not in the text', () => {
    expect(withLimit(text, 'other', '9.00')).toBeUndefined();
  });
});
