import { describe, expect, it } from 'vitest';
import { brokenRule } from './rules.ts';
import { bundledCrds, type Schema } from './schema.ts';

function goalField(...path: string[]): Schema {
  const goals = bundledCrds().find(({ spec }) => spec.names.kind === 'TrainingGoal');
  const whole = goals?.spec.versions[0]?.schema?.openAPIV3Schema;
  const found = path.reduce<Schema | undefined>((schema, name) => schema?.properties?.[name], whole);
  if (found === undefined) throw new Error(`no field ${path.join('.')}`);
  return found;
}

describe('the rules of the bundled CRDs about one text', () => {
  const limit = goalField('spec', 'budget', 'limit');
  const deadline = goalField('spec', 'constraints', 'deadline');
  const rate = goalField('spec', 'constraints', 'learningRate');
  it.each<[name: string, schema: Schema, value: string, right: boolean]>([
    ['an amount', limit, '12.50', true],
    ['an amount below a cent', limit, '0.000001', true],
    ['nothing', limit, '0', false],
    ['nothing, with decimals', limit, '0.00', false],
    ['less than nothing', limit, '-5', false],
    ['more than there is', limit, '99999999999999999999', false],
    ['words', limit, 'lots', false],
    ['another currency', limit, '€50', false],
    ['not a number', limit, 'NaN', false],
    ['hours and minutes', deadline, '1h30m', true],
    ['no time at all', deadline, '0h', false],
    ['a time that has passed', deadline, '-3h', false],
    ['a date', deadline, '2020-01-01', false],
    ['a year', deadline, '8760h', false],
    ['a rate', rate, '2e-4', true],
    ['a rate above 1', rate, '1.5', false],
  ])('take or refuse %s', (_, schema, value, right) => {
    expect(brokenRule(value, schema) === undefined).toBe(right);
  });

  it('leave rules with alternatives to the API server', () => {
    const rule = { 'x-kubernetes-validations': [{ rule: "self.matches('a') || self == 'b'", message: 'no' }] };
    expect(brokenRule('c', rule)).toBeUndefined();
  });

  it('read a pattern that must not match', () => {
    const rule = { 'x-kubernetes-validations': [{ rule: "!self.matches('[.][.]')", message: 'no dots' }] };
    expect([brokenRule('a..b', rule), brokenRule('a.b', rule)]).toEqual(['no dots', undefined]);
  });
});
