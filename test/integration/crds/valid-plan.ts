import type { Contract, Quote, Resolved, Tile, TrainingPlanSpec, TrainingPlanStatus } from '@kriptik/crds';

export const digest = `sha256:${'ab'.repeat(32)}`;
export const otherDigest = `sha256:${'cd'.repeat(32)}`;
export const time = '2026-11-22T10:00:00Z';

export const contract: Contract = {
  goalText: 'Answer like our help desk.',
  inputHash: digest,
  goalGeneration: 1,
  parsedBy: { source: 'claude', model: 'claude-opus-4-5', version: '1' },
  modality: 'llm',
  capability: 'answers questions about our product',
  summary: 'A small assistant that answers as our help desk.',
  quality: 'standard',
  model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
  methods: ['lora', 'full'],
  methodStated: true,
  data: [{ name: 'faq', uri: 'file:///data/faq.jsonl', format: 'jsonl', rows: 200, sha256: 'ab'.repeat(32) }],
  datasetHint: 'questions and answers',
  output: [{ uri: 'file:///models/help-desk', artifacts: ['adapter', 'merged'] }],
  budget: { limit: '5.00', currency: 'USD', alertAt: 80, warnAt: 95, source: 'spec' },
  constraints: { modality: 'llm', epochs: 3, providers: ['local'] },
  assumptions: ['The rows are in English.'],
};

export const resolved: Resolved = {
  model: {
    id: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    title: 'SmolLM2 135M Instruct',
    revision: '12fd25f77366fa6b3b4b768ec3050bf629380bac',
    source: 'hf://HuggingFaceTB/SmolLM2-135M-Instruct',
    parameters: 134_515_008,
    license: 'apache-2.0',
    family: 'llama',
    contextLength: 8192,
  },
  method: { name: 'lora', lora: { r: 16, alpha: 32, dropout: '0.05', targets: ['all-linear'] } },
  hyperparameters: {
    epochs: 3,
    maxSteps: 300,
    batchSize: 2,
    gradientAccumulation: 1,
    learningRate: '0.0002',
    warmupRatio: '0.03',
    scheduler: 'cosine',
    maxLength: 512,
    seed: 7,
    checkpointEverySteps: 20,
    precision: 'fp32',
    gradientCheckpointing: false,
  },
  data: [{ uri: 'file:///data/faq.jsonl', format: 'jsonl', rowsEstimate: 200, tokensEstimate: 20_000 }],
  compute: { provider: 'here', providerType: 'local', gpu: 'cpu', gpuCount: 0, nodes: 1 },
  providerOrder: [
    { provider: 'here', gpu: 'cpu', gpuCount: 0, unitPricePerHour: '6.00' },
    { provider: 'cloud', gpu: 'H100-SXM-80GB', gpuCount: 1, unitPricePerHour: '2.99' },
  ],
  output: [{ uri: 'file:///models/help-desk' }],
};

export const quote: Quote = {
  currency: 'USD',
  unitPricePerHour: '6.00',
  priceSource: 'ComputeProvider here',
  priceAsOf: '2026-11-22',
  steps: 300,
  hours: { low: '0.1', expected: '0.2', high: '0.4' },
  compute: { low: '0.60', expected: '1.20', high: '2.40' },
  storage: '0.01',
  platformFeePercent: 10,
  platformFee: '0.121',
  total: { low: '0.67', expected: '1.331', high: '2.66' },
  limit: '5.00',
  reserve: '0.25',
  fits: true,
  message: 'Fits with room to spare.',
};

const tile = (name: Tile['name'], choice: string, ...others: string[]): Tile => ({
  name,
  choice,
  title: choice,
  summary: `${choice} is used`,
  reasons: ['It fits the budget.'],
  facts: [{ label: 'Price', value: '6.00 USD an hour' }],
  alternatives: others.map((id) => ({ id, title: id, summary: id, available: true, cost: '2.00', hours: '0.3' })),
  warnings: ['A CPU is slow.'],
});

export const tiles: Tile[] = [
  tile('Model', 'smollm2-135m', 'smollm2-360m'),
  tile('Method', 'lora', 'full'),
  tile('Data', 'faq'),
  tile('GPU', 'here', 'cloud/H100-SXM-80GB'),
  tile('Budget', 'standard', 'quick'),
];

/** Plan of the goal `help-desk`; `name` must start with `help-desk-`. */
export function validPlan(name = 'help-desk-0123abcd') {
  return {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingPlan',
    metadata: { name },
    spec: {
      goalRef: { name: 'help-desk', uid: '5d5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f11' },
      contract,
      selection: { model: 'smollm2-135m' },
    } satisfies TrainingPlanSpec,
  };
}

/** A plan that waits for a decision. */
export const pricedStatus: TrainingPlanStatus = {
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      reason: 'AwaitingApproval',
      message: 'Look at the price and decide.',
      lastTransitionTime: time,
      observedGeneration: 1,
    },
  ],
  phase: 'AwaitingApproval',
  tiles,
  resolved,
  quote,
  digest,
};

/** A decision for the digest of {@link pricedStatus}, by the road on which the operator records any name. */
export const approval = {
  decision: 'Approved',
  digest,
  user: 'alice',
  at: time,
  via: 'policy',
  tiles: ['Model', 'Method', 'Data', 'GPU', 'Budget'],
  reason: 'Looks fine.',
} as const;
