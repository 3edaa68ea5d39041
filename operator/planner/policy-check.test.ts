import type { TrainingPolicySpec } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { findModel } from '../catalog/lookup.ts';
import { mergePolicies } from './policy.ts';
import { licenseForbidden, matchesPattern, modelForbidden, offerForbidden, regionFor } from './policy-check.ts';
import { conflictsOf } from './policy-conflict.ts';
import { catalog, rented, workstation } from './test-builders.ts';

const merge = (...specs: TrainingPolicySpec[]) =>
  mergePolicies(specs.map((spec, index) => ({ name: `p${index}`, spec })));
const llama = findModel(catalog, 'llama-3.1-8b-instruct') ?? raise();
const smol = findModel(catalog, 'smollm2-135m-instruct') ?? raise();
const h100 = rented('H100-SXM-80GB', '3.99', { regions: ['US-KS-2', 'EU-RO-1'] });
function raise(): never {
  throw new Error('the catalog lacks a model');
}

describe('a model', () => {
  it.each([
    {
      case: 'of a licence that is not listed',
      specs: [{ licenses: { allowed: ['apache-2.0'] } }],
      want: ['p0', 'spec.licenses.allowed', /does not list the licence llama3\.1/],
    },
    {
      case: 'of a denied licence',
      specs: [{}, { licenses: { denied: ['LLAMA3.1'] } }],
      want: ['p1', 'spec.licenses.denied', /denies the licence/],
    },
    {
      case: 'of a denied family',
      specs: [{ models: { denied: ['llama-*'] } }],
      want: ['p0', 'spec.models.denied', /denies the model llama/],
    },
    {
      case: 'outside the list',
      specs: [{ models: { allowed: ['HuggingFaceTB/*'] } }],
      want: ['p0', 'spec.models.allowed', /does not list the model/],
    },
    {
      case: 'that one of two lists leaves out',
      specs: [{ models: { allowed: ['smollm2*', 'llama*'] } }, { models: { allowed: ['smollm2*'] } }],
      want: ['p1', 'spec.models.allowed', /TrainingPolicy\/p1 spec\.models\.allowed does not list/],
    },
    {
      case: 'that one policy allows and another denies',
      specs: [{ models: { allowed: ['*'] } }, { models: { denied: ['meta-llama/*'] } }],
      want: ['p1', 'spec.models.denied', /denies/],
    },
  ])('$case is refused by name of the rule, and another passes', ({ specs, want: [name, path, text] }) => {
    const policy = merge(...specs);
    const denial = modelForbidden(policy, llama);
    expect(denial?.rule).toEqual({ policy: name, path });
    expect(denial?.text).toMatch(text as RegExp);
    expect(modelForbidden(policy, smol)).toBeUndefined();
  });

  it('is refused by an empty list, which allows nothing', () => {
    expect(modelForbidden(merge({ models: { allowed: [] } }), smol)?.rule.path).toBe('spec.models.allowed');
    expect(licenseForbidden(merge({ licenses: { allowed: [] } }), 'mit')?.rule.path).toBe('spec.licenses.allowed');
  });

  it.each([
    ['qwen2.5*', 'qwen2.5-7b-instruct', true],
    ['qwen2.5*', 'qwen2x5-7b', false],
    ['meta-llama/*', 'meta-llama/Llama-3.1-8B', true],
    ['*', 'anything', true],
    ['', 'anything', false],
  ])('pattern %s on %s: %s', (pattern, name, want) => {
    expect(matchesPattern(pattern, name)).toBe(want);
  });
});

describe('an offer', () => {
  it.each([
    {
      case: 'a kind of provider not listed',
      spec: { providers: { allowed: ['local'] } },
      path: 'spec.providers.allowed',
    },
    { case: 'a denied kind of provider', spec: { providers: { denied: ['runpod'] } }, path: 'spec.providers.denied' },
    { case: 'a GPU not listed', spec: { gpus: { allowed: ['L4-24GB'] } }, path: 'spec.gpus.allowed' },
    { case: 'too many GPUs', spec: { gpus: { maxCount: 2 } }, path: 'spec.gpus.maxCount' },
    { case: 'a region not listed', spec: { regions: { allowed: ['EU-CZ-1'] } }, path: 'spec.regions.allowed' },
    { case: 'an empty list', spec: { regions: { allowed: [] } }, path: 'spec.regions.allowed' },
  ] satisfies { case: string; spec: TrainingPolicySpec; path: string }[])('is refused for $case', ({ spec, path }) => {
    expect(offerForbidden(merge(spec), h100, 4)?.rule).toEqual({ policy: 'p0', path });
  });

  it.each([
    {
      case: 'a processor, whatever is said of GPUs',
      spec: { gpus: { allowed: [], maxCount: 0 } },
      offer: workstation(),
    },
    { case: 'a region that is listed', spec: { regions: { allowed: ['eu-ro-1'] } }, offer: h100 },
    {
      case: "a machine of one's own, which stands where it stands",
      spec: { regions: { allowed: ['EU-RO-1'] } },
      offer: workstation(),
    },
    { case: 'as many GPUs as allowed', spec: { gpus: { maxCount: 4 } }, offer: h100 },
  ])('passes with $case', ({ spec, offer }) => {
    expect(offerForbidden(merge(spec), offer, 4)).toBeUndefined();
  });

  it('that can come up anywhere does not pass a policy on regions', () => {
    const denial = offerForbidden(merge({ regions: { allowed: ['EU-RO-1'] } }), rented('L4-24GB', '0.39'), 1);
    expect(denial?.text).toMatch(/runpod may run anywhere: its ComputeProvider names no spec\.regions/);
  });

  it('needs one region that all policies allow', () => {
    const policy = merge({ regions: { allowed: ['US-KS-2'] } }, { regions: { allowed: ['EU-RO-1'] } });
    expect(offerForbidden(policy, h100, 1)?.text).toMatch(/no region of runpod that all allow/);
    const european = merge({ regions: { allowed: ['eu-ro-1'] } });
    expect(offerForbidden(european, h100, 1, ['US-KS-2'])?.text).toMatch(/no region of runpod that all allow/);
    expect(regionFor(european, ['EU-RO-1', 'US-KS-2'], h100)).toBe('EU-RO-1');
    expect(regionFor(mergePolicies([]), undefined, h100)).toBe('US-KS-2');
  });
});

describe('policies that contradict each other', () => {
  const names = catalog.models.map(({ id, family, hub }) => [id, family, hub]);
  it.each([
    {
      case: 'two lists without a common provider',
      specs: [{ providers: { allowed: ['runpod'] } }, {}, { providers: { allowed: ['modal'] } }],
      want: [
        ['p0', 'spec.providers.allowed'],
        ['p2', 'spec.providers.allowed'],
      ],
    },
    {
      case: 'a list that another denies',
      specs: [{ providers: { allowed: ['runpod'] } }, { providers: { denied: ['runpod', 'local'] } }],
      want: [
        ['p0', 'spec.providers.allowed'],
        ['p1', 'spec.providers.denied'],
      ],
    },
    {
      case: 'two lists without a common licence',
      specs: [{ licenses: { allowed: ['mit'] } }, { licenses: { allowed: ['apache-2.0'] } }],
      want: [
        ['p0', 'spec.licenses.allowed'],
        ['p1', 'spec.licenses.allowed'],
      ],
    },
    {
      case: 'patterns without a common model',
      specs: [{ models: { allowed: ['llama*'] } }, { models: { allowed: ['qwen*'] } }],
      want: [
        ['p0', 'spec.models.allowed'],
        ['p1', 'spec.models.allowed'],
      ],
    },
    {
      case: 'an empty list',
      specs: [{ gpus: { allowed: [] } }],
      want: [
        ['p0', 'spec.gpus.allowed'],
        ['p0', 'spec.gpus.allowed'],
      ],
    },
  ] satisfies { case: string; specs: TrainingPolicySpec[]; want: string[][] }[])(
    '$case: both rules are named',
    (row) => {
      const [first, ...more] = conflictsOf(merge(...row.specs), names);
      expect(first?.rules.map(({ policy, path }) => [policy, path])).toEqual(row.want);
      expect(first?.text).toContain(`TrainingPolicy/${row.want[0]?.[0]} ${row.want[0]?.[1]}`);
      expect(more).toEqual([]);
    },
  );

  it('are not found where some choice is left', () => {
    const policy = merge(
      { providers: { allowed: ['runpod', 'local'] }, models: { allowed: ['llama*', 'qwen*'] } },
      { providers: { denied: ['runpod'] }, models: { allowed: ['qwen*'], denied: ['qwen2-vl*'] } },
    );
    expect(conflictsOf(policy, names)).toEqual([]);
  });
});
