import type { Contract, MethodName, Modality, TrainingPolicySpec } from '@kriptik/crds';
import fc from 'fast-check';
import { formatMoney, microUsd } from '../../money.ts';
import { mergePolicies } from '../policy.ts';
import type { PolicySource } from '../policy-types.ts';
import { makeContract, makeInput, rented, workstation } from '../test-builders.ts';
import type { ProviderOffer, RecommendInput } from '../types.ts';

/** Draws of goals, markets and policies for the property tests: small ones, over the real catalog. */

const TASKS: readonly (readonly [Modality, string, readonly MethodName[]])[] = [
  ['llm', 'question-answering', ['qlora', 'lora']],
  ['llm', 'alignment', ['dpo']],
  ['llm', 'chat', ['full']],
  ['llm', 'reasoning', ['full', 'rlhf']],
  ['audio', 'text-to-music', ['full', 'lora']],
  ['code', 'text-to-sql', ['lora']],
  ['image', 'text-to-image-style', ['lora']],
  ['image', 'subject-image', ['dreambooth']],
  ['audio', 'speech-recognition', ['lora', 'full']],
  ['video', 'text-to-video', ['lora']],
  ['multimodal', 'image-captioning', ['lora']],
];

const MODALITY_OF = { 'qwen2.5-7b-instruct': 'llm', 'llama-3.1-8b-instruct': 'llm', sdxl: 'image' } as const;

const MARKET: readonly ProviderOffer[] = [
  workstation(),
  rented('L4-24GB', '0.39', { regions: ['US-KS-2'] }),
  rented('RTX-4090-24GB', '0.69', { regions: ['EU-RO-1', 'US-KS-2'] }),
  rented('A100-SXM-80GB', '1.49', { regions: ['EU-RO-1'], stages: true }),
  rented('H100-SXM-80GB', '3.95', { name: 'modal', type: 'modal', order: 200, regions: ['US-EAST-1'], stages: true }),
];

/** One policy of a few rules over what is drawn here. */
export const policySpec: fc.Arbitrary<TrainingPolicySpec> = fc.record(
  {
    providers: fc.oneof(
      fc.record({ allowed: fc.subarray(['local' as const, 'runpod' as const, 'modal' as const], { minLength: 1 }) }),
      fc.record({ denied: fc.subarray(['local' as const, 'modal' as const], { minLength: 1 }) }),
    ),
    gpus: fc.record(
      { allowed: fc.subarray(['L4-24GB', 'RTX-4090-24GB', 'A100-SXM-80GB']), maxCount: fc.integer({ min: 0, max: 4 }) },
      { requiredKeys: [] },
    ),
    licenses: fc.oneof(
      fc.record({ allowed: fc.subarray(['apache-2.0', 'mit', 'cc-by-4.0', 'openrail++'], { minLength: 1 }) }),
      fc.record({ denied: fc.subarray(['apache-2.0', 'llama3.1', 'cc-by-sa-3.0'], { minLength: 1 }) }),
    ),
    regions: fc.record({ allowed: fc.subarray(['EU-RO-1', 'US-KS-2'], { minLength: 1 }) }),
    models: fc.record({ denied: fc.subarray(['qwen*', 'meta-llama/*', 'sdxl'], { minLength: 1 }) }),
    ceilings: fc.record({ perJob: fc.constantFrom('0.50', '2.00', '40.00') }),
  },
  { requiredKeys: [] },
);

const policies: fc.Arbitrary<readonly PolicySource[]> = fc
  .array(policySpec, { maxLength: 2 })
  .map((specs) => specs.map((spec, index) => ({ name: `policy-${index}`, spec })));

/** Amounts from cents to tens of thousands of dollars. */
export const dollars = fc
  .oneof(
    fc.integer({ min: 5, max: 500 }),
    fc.integer({ min: 500, max: 40_000 }),
    fc.integer({ min: 40_000, max: 4_000_000 }),
  )
  .map((cents) => microUsd(cents * 10_000));

const contracts: fc.Arbitrary<Contract> = fc
  .record({
    task: fc.constantFrom(...TASKS),
    quality: fc.constantFrom('quick' as const, 'standard' as const, 'high' as const, 'flagship' as const),
    rows: fc.option(fc.constantFrom(12, 60, 700, 9000), { nil: undefined }),
    limit: dollars,
    constraints: fc.record(
      {
        maxGpus: fc.integer({ min: 1, max: 8 }),
        deadline: fc.constantFrom('3h', '24h'),
        model: fc.constantFrom(...(Object.keys(MODALITY_OF) as (keyof typeof MODALITY_OF)[])),
        regions: fc.constant<string[]>(['EU-RO-1']),
        maxSteps: fc.integer({ min: 1, max: 500 }),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ task: [modality, capability, methods], quality, rows, limit, constraints: { model, ...constraints } }) =>
    makeContract(
      {
        modality,
        capability,
        methods: [...methods],
        quality,
        data: rows === undefined ? [] : [{ uri: 's3://bucket/rows.jsonl', rows }],
        constraints: {
          ...constraints,
          // A model of another modality is another error.
          ...(model !== undefined && MODALITY_OF[model] === modality && { model }),
        },
      },
      formatMoney(limit),
    ),
  );

/** Drawn apart from the catalog, so that a counterexample is short enough to read. */
export interface Drawn {
  readonly contract: Contract;
  readonly market: readonly number[];
  readonly sources: readonly PolicySource[];
}

export const drawn: fc.Arbitrary<Drawn> = fc.record({
  contract: contracts,
  market: fc.subarray(
    MARKET.map((_, index) => index),
    { minLength: 1 },
  ),
  sources: policies,
});

/** The planner's question that was drawn. */
export function inputOf({ contract, market, sources }: Drawn): RecommendInput {
  const providers = MARKET.filter((_, index) => market.includes(index));
  return makeInput({ contract, providers, policy: mergePolicies(sources), dataFacts: [] });
}
