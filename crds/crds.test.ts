import { describe, expect, it } from 'vitest';
import { type Crd, type Located, loadCrds, type Rule, type Schema, schemaAt, schemaOf, walk } from './schema.ts';

const crds = loadCrds();
const byKind = new Map(crds.map((crd) => [crd.spec.names.kind, crd]));

/** Nodes of a kind that are ours, which metadata is not, and that break a rule; told by their paths. */
function offenders(crd: Crd, breaks: (node: Located) => boolean): string[] {
  return [...walk(schemaOf(crd))]
    .filter(({ path }) => path !== 'metadata')
    .filter(breaks)
    .map(({ path }) => path);
}

const isBoundedString = (schema: Schema) =>
  schema.type !== 'string' ||
  schema.enum !== undefined ||
  schema.format === 'date-time' ||
  schema.maxLength !== undefined;

const rulesOf = (crd: Crd): { path: string; rule: Rule }[] =>
  [...walk(schemaOf(crd))].flatMap(({ path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map((rule) => ({ path, rule })),
  );

describe.each(crds.map((crd) => [crd.spec.names.kind, crd] as const))('%s', (_kind, crd) => {
  it('describes every field', () => {
    const isItem = (path: string) => path.endsWith('[]') || path.endsWith('{}');
    expect(offenders(crd, ({ path, schema }) => !isItem(path) && (schema.description ?? '').length < 3)).toEqual([]);
  });

  it('ends every description with a full stop', () => {
    expect(
      offenders(crd, ({ schema }) => schema.description !== undefined && !schema.description.endsWith('.')),
    ).toEqual([]);
  });

  it('bounds every list, map, string and number', () => {
    expect(offenders(crd, ({ schema }) => schema.type === 'array' && schema.maxItems === undefined)).toEqual([]);
    expect(
      offenders(crd, ({ schema }) => schema.additionalProperties !== undefined && schema.maxProperties === undefined),
    ).toEqual([]);
    expect(offenders(crd, ({ schema }) => !isBoundedString(schema))).toEqual([]);
    const isOpen = ({ schema }: Located) =>
      schema.type === 'integer' && (schema.minimum === undefined || schema.maximum === undefined);
    expect(offenders(crd, isOpen)).toEqual([]);
  });

  it('has no floating point numbers', () => {
    expect(offenders(crd, ({ schema }) => schema.type === 'number')).toEqual([]);
  });

  it('says how every list is merged', () => {
    expect(
      offenders(crd, ({ schema }) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined),
    ).toEqual([]);
    const isKeyless = ({ schema }: Located) =>
      (schema['x-kubernetes-list-type'] === 'map') !== (schema['x-kubernetes-list-map-keys'] !== undefined);
    expect(offenders(crd, isKeyless)).toEqual([]);
  });

  it('types every node and uses nothing that is not structural', () => {
    expect(offenders(crd, ({ schema }) => schema.type === undefined)).toEqual([]);
    const forbidden = ['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'x-kubernetes-preserve-unknown-fields', 'nullable'];
    expect(offenders(crd, ({ schema }) => forbidden.some((keyword) => keyword in schema))).toEqual([]);
  });

  it('requires only fields it has', () => {
    const hasAll = ({ schema }: Located) => (schema.required ?? []).every((name) => name in (schema.properties ?? {}));
    expect(offenders(crd, (node) => !hasAll(node))).toEqual([]);
  });

  it('lists each allowed value once', () => {
    expect(offenders(crd, ({ schema }) => new Set(schema.enum ?? []).size !== (schema.enum ?? []).length)).toEqual([]);
  });

  it('explains every rule, and blames a field that exists', () => {
    for (const { path, rule } of rulesOf(crd)) {
      expect.soft(rule.message, `${path}: ${rule.rule}`).toMatch(/^\S.{15,}/);
      if (rule.fieldPath === undefined) continue;
      const node = `${path}${rule.fieldPath}`.replace(/^\./, '');
      expect.soft(() => schemaAt(schemaOf(crd), node), `${path}: ${rule.fieldPath}`).not.toThrow();
    }
  });

  it('shows columns that exist, age last', () => {
    const columns = crd.spec.versions[0]?.additionalPrinterColumns ?? [];
    for (const { jsonPath } of columns.filter(({ jsonPath }) => !jsonPath.startsWith('.metadata'))) {
      const path = jsonPath.replace(/\[\?[^\]]*\]/, '[]').slice(1);
      expect.soft(() => schemaAt(schemaOf(crd), path), jsonPath).not.toThrow();
    }
    expect(columns.at(-1)?.name).toBe('Age');
  });

  it('selects by fields that exist', () => {
    for (const { jsonPath } of crd.spec.versions[0]?.selectableFields ?? []) {
      expect.soft(() => schemaAt(schemaOf(crd), jsonPath.slice(1)), jsonPath).not.toThrow();
    }
  });
});

/** The schema without what only the place where people write it has: rules, and bounds that rules stand for. */
function shape(kind: string, path: string): unknown {
  const crd = byKind.get(kind);
  if (crd === undefined) throw new Error(`no ${kind}`);
  return JSON.parse(
    JSON.stringify(schemaAt(schemaOf(crd), path), (key, value) =>
      ['description', 'x-kubernetes-validations'].includes(key) ? undefined : value,
    ),
  );
}

it('repeats the contract, the resolved plan and the quote in the job exactly', () => {
  expect(shape('TrainingJob', 'spec.run.contract')).toEqual(shape('TrainingPlan', 'spec.contract'));
  expect(shape('TrainingJob', 'spec.run.resolved')).toEqual(shape('TrainingPlan', 'status.resolved'));
  expect(shape('TrainingJob', 'spec.run.quote')).toEqual(shape('TrainingPlan', 'status.quote'));
});

it('takes into a contract all data, output and constraints a goal can hold', () => {
  expect(shape('TrainingPlan', 'spec.contract.data[]')).toEqual(shape('TrainingGoal', 'spec.data[]'));
  expect(shape('TrainingPlan', 'spec.contract.output[]')).toEqual(shape('TrainingGoal', 'spec.output[]'));
  expect(shape('TrainingPlan', 'spec.contract.constraints')).toEqual(shape('TrainingGoal', 'spec.constraints'));
});

it('answers the questions a person has about a job', () => {
  const columns = byKind.get('TrainingJob')?.spec.versions[0]?.additionalPrinterColumns ?? [];
  const shown = columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name);
  expect(shown).toEqual(['Phase', 'Step', 'Loss', 'Spent', 'Budget', 'ETA', 'Age']);
});

it('leaves room in a name for what is derived from it', () => {
  const hash = '-01234567'.length;
  expect(45 + hash).toBeLessThanOrEqual(54);
  const nameRule = (kind: string) => byKind.get(kind) && rulesOf(byKind.get(kind) as Crd)[0]?.rule.rule;
  expect(nameRule('TrainingGoal')).toContain('size() <= 45');
  expect(nameRule('TrainingPlan')).toContain('size() <= 54');
  expect(nameRule('TrainingJob')).toContain('size() <= 54');
});
