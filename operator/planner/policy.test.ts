import type { TrainingPolicySpec } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findModel } from '../catalog/lookup.ts';
import { matchesPattern, mergePolicies, modelForbidden, noPolicy, offerForbidden } from './policy.ts';
import { catalog, rented, workstation } from './test-builders.ts';

const merge = (...specs: TrainingPolicySpec[]) =>
  mergePolicies(specs.map((spec, index) => ({ name: `p${index}`, spec })));
const llama = findModel(catalog, 'llama-3.1-8b-instruct') ?? raise();
const smol = findModel(catalog, 'smollm2-135m-instruct') ?? raise();
function raise(): never {
  throw new Error('the catalog lacks a model');
}

describe('mergePolicies', () => {
  it('restricts nothing without policies', () => {
    expect(mergePolicies([])).toEqual(noPolicy);
  });

  it('takes the most restrictive of each rule', () => {
    const merged = merge(
      {
        providers: { allowed: ['local', 'runpod'] },
        gpus: { maxCount: 4 },
        ceilings: { perJob: '50.00' },
        approval: { autoApproveBelow: '5.00' },
      },
      {
        providers: { allowed: ['local', 'modal'], denied: ['modal'] },
        gpus: { maxCount: 2 },
        ceilings: { perJob: '20.00' },
        approval: { autoApproveBelow: '1.00', authorMayApprove: false },
      },
    );
    expect(merged.providers).toEqual({ allowed: ['local'], denied: ['modal'] });
    expect(merged.gpus.maxCount).toBe(2);
    expect(merged.ceilings.perJob).toBe(20_000_000);
    expect(merged.approval.autoApproveBelow).toBe(1_000_000);
    expect(merged.approval.authorMayApprove).toBe(false);
  });

  it('approves nothing automatically unless every policy allows it', () => {
    expect(merge({ approval: { autoApproveBelow: '5.00' } }, {}).approval.autoApproveBelow).toBeUndefined();
    expect(merge({}, { approval: { autoApproveBelow: '5.00' } }).approval.autoApproveBelow).toBeUndefined();
  });

  it('does not depend on the order of the policies', () => {
    const spec = fc.record(
      {
        gpus: fc.record(
          { maxCount: fc.integer({ min: 1, max: 8 }), allowed: fc.subarray(['H100-SXM-80GB', 'L4-24GB', 'T4-16GB']) },
          { requiredKeys: [] },
        ),
        licenses: fc.record(
          { allowed: fc.subarray(['mit', 'apache-2.0', 'llama3']), denied: fc.subarray(['gemma', 'mit']) },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 4 }), (specs) => {
        const named = specs.map((value, index) => ({ name: `p${index}`, spec: value as TrainingPolicySpec }));
        expect(mergePolicies(named.toReversed())).toEqual(mergePolicies(named));
      }),
    );
  });
});

describe('what a policy forbids', () => {
  it.each([
    ['a licence that is not listed', merge({ licenses: { allowed: ['apache-2.0'] } }), /llama3\.1/],
    ['a denied family', merge({ models: { denied: ['llama-*'] } }), /denies this model/],
    ['a model outside the list', merge({ models: { allowed: ['HuggingFaceTB/*'] } }), /does not list this model/],
  ])('refuses %s and lets the other through', (_name, policy, want) => {
    expect(modelForbidden(policy, llama)).toMatch(want);
    expect(modelForbidden(policy, smol)).toBeUndefined();
  });

  it('needs every list to admit a model', () => {
    const policy = merge({ models: { allowed: ['smollm2*', 'llama*'] } }, { models: { allowed: ['llama*'] } });
    expect(modelForbidden(policy, smol)).toBeDefined();
    expect(modelForbidden(policy, llama)).toBeUndefined();
  });

  it('judges offers by provider, GPU, count and region', () => {
    const h100 = rented('H100-SXM-80GB', '3.99', { regions: ['US-KS-2'] });
    expect(offerForbidden(merge({ providers: { allowed: ['local'] } }), h100, 1)).toMatch(/runpod/);
    expect(offerForbidden(merge({ gpus: { allowed: ['L4-24GB'] } }), h100, 1)).toMatch(/H100/);
    expect(offerForbidden(merge({ gpus: { maxCount: 2 } }), h100, 4)).toMatch(/at most 2/);
    expect(offerForbidden(merge({ regions: { allowed: ['EU-RO-1'] } }), h100, 1)).toMatch(/EU-RO-1/);
    expect(offerForbidden(merge({ gpus: { allowed: ['L4-24GB'], maxCount: 1 } }), workstation(), 1)).toBeUndefined();
  });

  it('treats only * as special in a pattern', () => {
    expect(matchesPattern('qwen2.5*', 'qwen2.5-7b-instruct')).toBe(true);
    expect(matchesPattern('qwen2.5*', 'qwen2x5-7b')).toBe(false);
  });
});
