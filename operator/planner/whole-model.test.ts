import { describe, expect, it } from 'vitest';
import { recommend } from './recommend.ts';
import { makeContract, makeInput, planned, rented } from './test-builders.ts';

/** GPU nodes of a cluster, where each process of the trainer holds the whole model. */
const nodes = (gpu: string) => [
  rented(gpu, '2.00', { name: 'nodes', type: 'kubernetes', wholeModel: true, maxNodes: 4 }),
];
const full = (model: string) => makeContract({ model, methods: ['full'], methodStated: true }, '5000.00');

describe('a trainer that holds whole models', () => {
  it('trains all weights of 7B on one card with lean state, and never counts on others', () => {
    const { resolved } = planned({ contract: full('qwen2.5-7b-instruct'), providers: nodes('H100-SXM-80GB') });
    expect(resolved.hyperparameters).toMatchObject({ optimizer: 'adamw-8bit', weightPrecision: 'bf16' });
    expect(resolved.hyperparameters.offloadOptimizer).toBeUndefined();
    expect(resolved.compute).toMatchObject({ gpuCount: 1, nodes: 1 });
  });

  it('is not planned for what no single card holds, however many there are', () => {
    const result = recommend(makeInput({ contract: full('qwen2.5-72b-instruct'), providers: nodes('H100-SXM-80GB') }));
    expect('blocked' in result && result.blocked.reason).toBe('DoesNotFitInMemory');
  });

  it('runs reinforcement learning on one GPU only', () => {
    const contract = makeContract({ methods: ['rlhf'], methodStated: true }, '500.00');
    const providers = nodes('H100-SXM-80GB');
    expect(planned({ contract, providers }).resolved.compute.gpuCount).toBe(1);
    const result = recommend(makeInput({ contract, providers, selection: { gpu: 'nodes/4xH100-SXM-80GB' } }));
    expect('blocked' in result && result.blocked.message).toContain('one process');
  });
});
