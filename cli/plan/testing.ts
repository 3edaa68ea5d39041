import type { Tile } from '@kriptik/crds';
import type { PricedPreview } from '@kriptik/operator/plan/preview.ts';

const tile = (name: Tile['name'], title: string, fields: Partial<Tile> = {}): Tile => ({
  name,
  choice: name.toLowerCase(),
  title,
  summary: `${title}, in a sentence that says what choosing it means for the person who approves.`,
  reasons: [],
  facts: [],
  alternatives: [],
  ...fields,
});

/** A priced plan for tests of how plans are shown. */
export function pricedPlan(fields: Partial<PricedPreview> = {}): PricedPreview {
  const range = (low: string, expected: string, high: string) => ({ low, expected, high });
  return {
    digest: `sha256:${'ab'.repeat(32)}`,
    contract: {
      goalText: 'Answer like our help desk.',
      inputHash: `sha256:${'0'.repeat(64)}`,
      goalGeneration: 1,
      parsedBy: { source: 'offline', version: '1' },
      modality: 'llm',
      capability: 'question-answering',
      summary: 'Answer like our help desk.',
      quality: 'standard',
      methods: ['qlora'],
      methodStated: false,
      data: [{ uri: 's3://desk/rows.jsonl' }],
      output: [],
      budget: { limit: '40.00', currency: 'USD', alertAt: 80, warnAt: 95, source: 'spec' },
      constraints: {},
      assumptions: ['The text speaks of 5,000 examples.'],
    },
    resolved: {
      model: {
        id: 'qwen2.5-7b',
        title: 'Qwen2.5 7B',
        revision: 'main',
        source: 'hf://Qwen/Qwen2.5-7B',
        parameters: 7_615_616_512,
        license: 'apache-2.0',
        family: 'qwen2.5',
        contextLength: 32_768,
      },
      method: { name: 'qlora' },
      hyperparameters: {
        batchSize: 4,
        gradientAccumulation: 4,
        learningRate: '0.0002',
        warmupRatio: '0.03',
        scheduler: 'cosine',
        maxLength: 1024,
        seed: 42,
        checkpointEverySteps: 100,
        precision: 'bf16',
        gradientCheckpointing: true,
      },
      data: [],
      compute: { provider: 'runpod', providerType: 'runpod', gpu: 'L40S-48GB', gpuCount: 1, nodes: 1 },
      providerOrder: [],
      output: [],
    },
    quote: {
      currency: 'USD',
      unitPricePerHour: '0.86',
      priceSource: 'runpod secure list price',
      priceAsOf: '2026-11-01',
      steps: 900,
      hours: range('2', '3.5', '5'),
      compute: range('1.72', '3.01', '4.30'),
      storage: '0.10',
      platformFeePercent: 10,
      platformFee: '0.31',
      total: range('2.13', '3.42', '4.71'),
      limit: '40.00',
      reserve: '0.20',
      fits: true,
    },
    tiles: [
      tile('Model', 'Qwen2.5 7B'),
      tile('Method', 'QLoRA', {
        alternatives: [
          { id: 'lora', title: 'LoRA', summary: '', available: true, cost: '4.92', hours: '3.1' },
          { id: 'full', title: 'Full', summary: '', available: false, reason: 'does not fit' },
        ],
      }),
      tile('Data', '5,000 rows'),
      tile('GPU', '1x L40S 48 GB on runpod'),
      tile('Budget', '$3.42 of $40.00'),
    ],
    warnings: ['The number of rows is not known.'],
    why: [{ tile: 'Method', what: 'rank', value: '16', because: 'Enough for a change of tone.', source: 'arXiv:0000' }],
    changes: [],
    ...fields,
  };
}
