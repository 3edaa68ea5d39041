import type { TrainingPolicySpec } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePolicies, noPolicy } from './policy.ts';

const merge = (...specs: TrainingPolicySpec[]) =>
  mergePolicies(specs.map((spec, index) => ({ name: `p${index}`, spec })));

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
