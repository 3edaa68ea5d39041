import type { Contract, MethodName } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { recommend } from './recommend.ts';
import { catalog, makeContract, makeInput, planned, rented } from './test-builders.ts';
import type { Executor, ProviderOffer } from './types.ts';

/** GPU nodes of a cluster, where each process of the trainer holds the whole model. */
const nodes = (gpu: string, fields: Partial<ProviderOffer> = {}) => [
  rented(gpu, '2.00', { name: 'nodes', type: 'kubernetes', wholeModel: true, maxNodes: 4, ...fields }),
];
const full = (model: string) => makeContract({ model, methods: ['full'], methodStated: true }, '5000.00');

describe('a trainer that holds whole models', () => {
  it('trains all weights of 7B on one card with lean state, and never counts on others', () => {
    const { resolved } = planned({ contract: full('qwen2.5-7b-instruct'), providers: nodes('H100-SXM-80GB') });
    expect(resolved.hyperparameters).toMatchObject({ optimizer: 'adamw-8bit', weightPrecision: 'bf16' });
    expect(resolved.hyperparameters.offloadOptimizer).toBeUndefined();
    expect(resolved.compute).toMatchObject({ gpuCount: 1, nodes: 1 });
  });

  const told: Executor = { modality: 'llm', methods: ['full'], architectures: '.*' };
  it.each([
    ['its trainer does not shard', { executors: [told] }],
    ['its trainer shards other methods', { executors: [told, { ...told, methods: ['lora'], sharded: true }] }],
    ['packages for shards lack', { executors: [told, { ...told, sharded: true, missing: '--with llm' }] }],
  ] as const)('is not planned for what no single card holds, however many there are, where %s', (_name, fields) => {
    const providers = nodes('H100-SXM-80GB', fields);
    const result = recommend(makeInput({ contract: full('qwen2.5-72b-instruct'), providers }));
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

describe('a trainer that shards a model', () => {
  const of = (method: MethodName, fields: Partial<Contract> = {}) =>
    makeContract({ model: 'qwen2.5-72b-instruct', methods: [method], methodStated: true, ...fields }, '50000.00');
  const rows = [{ uri: 'file:///srv/helpdesk.jsonl', rows: 180, tokensPerRow: 60, longestRow: 110 }];
  const pairs = rows.map((one) => ({ ...one, preferencePairs: true }));

  it.each(['lora', 'full', 'dpo'] as const)('is planned so for %s of a model that no card holds', (method) => {
    const dataFacts = method === 'dpo' ? pairs : rows;
    const { resolved, tiles } = planned({ contract: of(method), providers: nodes('H100-SXM-80GB'), dataFacts });
    expect([resolved.method.name, resolved.parallelism]).toEqual([method, 'sharded']);
    expect(resolved.compute.gpuCount).toBeGreaterThan(1);
    expect(resolved.hyperparameters.optimizer).toBeUndefined();
    expect(resolved.hyperparameters.offloadOptimizer).toBeUndefined();
    expect(JSON.stringify(tiles)).toContain('a shard of the model, for none holds the whole');
  });

  it('is asked for copies first: where one card holds the model, several hold it each', () => {
    const contract = makeContract({ model: 'qwen2.5-7b-instruct', methods: ['lora'], methodStated: true }, '500.00');
    const selection = { gpu: 'nodes/4xH100-SXM-80GB' };
    const { resolved } = planned({ contract, providers: nodes('H100-SXM-80GB'), selection });
    expect([resolved.compute.gpuCount, resolved.parallelism]).toEqual([4, undefined]);
  });

  it('is what this machine has, where its trainer says so', () => {
    const executors: readonly Executor[] = [{ modality: 'llm', methods: ['lora'], architectures: '.*', sharded: true }];
    const here = { name: 'desk', type: 'local', counts: [4], priceUnit: 'machine', executors, maxNodes: 1 } as const;
    const contract = of('lora');
    const { resolved } = planned({ contract, providers: nodes('A100-SXM-80GB', here) });
    expect([resolved.compute.provider, resolved.parallelism]).toEqual(['desk', 'sharded']);
  });

  it.each([
    ['four bits', 'qlora', 'RTX-4090-24GB'],
    ['cards without bf16', 'lora', 'T4-16GB'],
  ] as const)('is not asked for %s', (_name, method, gpu) => {
    expect(catalog.gpus.map(({ id }) => id)).toContain(gpu);
    const result = recommend(makeInput({ contract: of(method), providers: nodes(gpu), selection: { method } }));
    expect('blocked' in result && result.blocked.reason).toBe('DoesNotFitInMemory');
  });

  it.each([
    ['full', 400e9, {}, 'kubernetes.resources.memory of nodes is 400 GB'],
    ['full', 2000e9, {}, undefined],
    ['dpo', 100e9, {}, '145 GB of main memory'],
    ['dpo', 100e9, { output: [{ artifacts: ['adapter'] }] }, undefined],
  ] as const)(
    'brings %s together in the main memory of a machine with %d bytes',
    (method, memoryBytes, fields, text) => {
      const contract = of(method, fields as unknown as Partial<Contract>);
      const dataFacts = method === 'dpo' ? pairs : rows;
      const result = recommend(makeInput({ contract, providers: nodes('H100-SXM-80GB', { memoryBytes }), dataFacts }));
      if (text === undefined) expect(result).not.toHaveProperty('blocked');
      else expect('blocked' in result && result.blocked.message).toContain(text);
    },
  );

  it('counts adapters whole on each GPU, where previews share them out too', () => {
    const needed = (offers: readonly ProviderOffer[]): number => {
      const selection = { gpu: `${offers[0]?.name}/4xH100-SXM-80GB`, method: 'lora' } as const;
      const { tiles } = planned({ contract: of('lora'), providers: offers, selection });
      return Number(/(\d+) GB of \d+ GB are needed/.exec(JSON.stringify(tiles))?.[1]);
    };
    expect(needed(nodes('H100-SXM-80GB'))).toBeGreaterThan(needed([rented('H100-SXM-80GB', '2.00')]));
  });

  it('is other work than copies: neither takes over from the other', () => {
    const contract = makeContract({ model: 'qwen2.5-7b-instruct', methods: ['lora'], methodStated: true }, '500.00');
    const providers = [...nodes('H100-SXM-80GB'), rented('H100-SXM-80GB', '2.00')];
    const order = (gpu: string) =>
      planned({ contract, providers, selection: { gpu } }).resolved.providerOrder.map(({ provider }) => provider);
    expect(order('nodes/H100-SXM-80GB')).toEqual(['nodes', 'runpod']);
    expect(order('nodes/4xH100-SXM-80GB')).toEqual(['nodes']);
  });

  it('is what previews of list prices count on, but for methods that are not trained on shards', () => {
    const providers = [rented('H100-SXM-80GB', '2.00')];
    expect(planned({ contract: of('lora'), providers }).resolved.parallelism).toBe('sharded');
    const small = makeContract({ model: 'qwen2.5-7b-instruct', methods: ['qlora'], methodStated: true }, '500.00');
    const { resolved } = planned({ contract: small, providers, selection: { gpu: 'runpod/4xH100-SXM-80GB' } });
    expect([resolved.compute.gpuCount, resolved.parallelism]).toEqual([4, undefined]);
  });
});
