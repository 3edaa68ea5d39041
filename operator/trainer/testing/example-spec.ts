import type { TrainerSpec } from '../spec.ts';

/** A valid spec for tests; `storeUri` is the store of the job. */
export const exampleSpec = (attempt: string, storeUri: string, overrides: Partial<TrainerSpec> = {}): TrainerSpec => ({
  protocol: 1,
  job: 'team-a/helpdesk',
  attempt,
  model: {
    id: 'example/small',
    source: 'file:///models/small',
    revision: '1',
    parameters: 1000,
    license: 'apache-2.0',
  },
  method: { name: 'lora', lora: { r: 16, alpha: 32, dropout: 0, targets: ['all-linear'] } },
  data: [{ uri: 'file:///data/questions.jsonl', format: 'jsonl', split: null, sha256: null }],
  hyperparameters: {
    epochs: 1,
    maxSteps: null,
    batchSize: 2,
    gradientAccumulation: 1,
    learningRate: '0.0002',
    warmupRatio: '0.03',
    scheduler: 'cosine',
    maxLength: 64,
    seed: 7,
    checkpointEverySteps: 5,
    gradientCheckpointing: false,
    precision: 'fp32',
  },
  store: { uri: storeUri },
  resume: null,
  outputs: ['adapter'],
  deadline: null,
  card: {
    goal: 'helpdesk',
    plan: 'helpdesk-1',
    digest: `sha256:${'0'.repeat(64)}`,
    unitPricePerHour: '6.00',
    currency: 'USD',
  },
  ...overrides,
});
