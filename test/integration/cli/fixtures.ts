import type {
  Quote,
  Resolved,
  Tile,
  TrainingGoal,
  TrainingJob,
  TrainingJobStatus,
  TrainingPlan,
  TrainingPlanStatus,
} from '@kriptik/crds';

/** Objects as the operator would leave them, made by hand so that no operator is needed. */

const API = 'training.kriptik.ai/v1alpha1' as const;
/** Named so that no other test's provider is meant. */
export const PROVIDER = 'cli-test-local';
export const DIGEST = `sha256:${'a1'.repeat(32)}`;
export const OTHER_DIGEST = `sha256:${'b2'.repeat(32)}`;
const INPUT_HASH = `sha256:${'0f'.repeat(32)}`;
const AT = '2026-11-20T10:00:00Z';

/** The mutable twin of a generated type: builders fill objects in. */
type Plain<T> = T extends readonly (infer U)[]
  ? Plain<U>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;

export type Body<T extends { metadata: object }> = Omit<Plain<T>, 'metadata'> & {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
};

export function goalBody(
  name: string,
  options: { limit?: string; labels?: Record<string, string> } = {},
): Body<TrainingGoal> {
  return {
    apiVersion: API,
    kind: 'TrainingGoal',
    metadata: { name, ...(options.labels === undefined ? {} : { labels: options.labels }) },
    spec: {
      goal: 'Train a small assistant that answers like our help desk.',
      budget: { limit: options.limit ?? '5.00', currency: 'USD', alertAt: 80, warnAt: 95 },
    },
  };
}

const contract = (limit: string): TrainingPlan['spec']['contract'] => ({
  goalText: 'Train a small assistant that answers like our help desk.',
  inputHash: INPUT_HASH,
  goalGeneration: 1,
  parsedBy: { source: 'offline', version: '1' },
  modality: 'llm',
  capability: 'assistant',
  summary: 'A small help desk assistant',
  quality: 'quick',
  data: [{ uri: 'file:///data/faq.jsonl', format: 'jsonl' }],
  output: [{ uri: 'file:///models/helpdesk' }],
  budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95, source: 'spec' },
  constraints: {},
  assumptions: ['English questions and answers'],
});

export function planBody(name: string, goal: { name: string; uid: string }, limit = '5.00'): Body<TrainingPlan> {
  return {
    apiVersion: API,
    kind: 'TrainingPlan',
    metadata: { name, labels: { 'training.kriptik.ai/goal': goal.name } },
    spec: { goalRef: goal, contract: contract(limit) },
  };
}

const resolved: Resolved = {
  model: {
    id: 'smollm2-135m-instruct',
    title: 'SmolLM2 135M Instruct',
    revision: 'main',
    source: 'hf://HuggingFaceTB/SmolLM2-135M-Instruct',
    parameters: 134_515_008,
    license: 'apache-2.0',
    family: 'smollm2',
    contextLength: 8192,
  },
  method: { name: 'lora', lora: { r: 16, alpha: 32, dropout: '0.0', targets: ['all-linear'] } },
  hyperparameters: {
    epochs: 3,
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
  data: [{ uri: 'file:///data/faq.jsonl', format: 'jsonl', rowsEstimate: 160 }],
  compute: { provider: PROVIDER, providerType: 'local', gpu: 'cpu', gpuCount: 0, nodes: 1 },
  providerOrder: [{ provider: PROVIDER, gpu: 'cpu', gpuCount: 0, unitPricePerHour: '6.00' }],
  output: [{ uri: 'file:///models/helpdesk' }],
};

export const quote = (limit = '5.00', expected = '0.66'): Quote => ({
  currency: 'USD',
  unitPricePerHour: '6.00',
  priceSource: 'declared by provider local',
  priceAsOf: '2026-11-20',
  steps: 240,
  hours: { low: '0.08', expected: '0.10', high: '0.15' },
  compute: { low: '0.48', expected: '0.60', high: '0.90' },
  storage: '0.00',
  platformFeePercent: 10,
  platformFee: '0.06',
  total: { low: '0.53', expected, high: '0.99' },
  limit,
  reserve: '0.05',
  fits: true,
});

const tile = (name: Tile['name'], choice: string, title: string, alternatives: Tile['alternatives'] = []): Tile => ({
  name,
  choice,
  title,
  summary: `${title}, chosen for this goal.`,
  reasons: ['It is the smallest that does the work.'],
  facts: [{ label: 'source', value: 'catalog of 2026-11' }],
  alternatives,
});

const tiles: Tile[] = [
  tile('Model', 'smollm2-135m-instruct', 'SmolLM2 135M Instruct', [
    {
      id: 'smollm2-360m-instruct',
      title: 'SmolLM2 360M Instruct',
      summary: 'Larger, slower.',
      available: true,
      cost: '1.40',
      hours: '0.22',
    },
    {
      id: 'llama-3-8b',
      title: 'Llama 3 8B',
      summary: 'Much larger.',
      available: false,
      reason: 'does not fit the memory',
    },
  ]),
  tile('Method', 'lora', 'LoRA'),
  tile('Data', 'faq', '160 rows of faq.jsonl'),
  tile('GPU', 'local-cpu', 'This machine'),
  tile('Budget', 'limit', '$5.00'),
];

export function planStatus(options: { digest?: string; limit?: string; expected?: string } = {}): TrainingPlanStatus {
  return {
    observedGeneration: 1,
    phase: 'AwaitingApproval',
    tiles,
    resolved,
    quote: quote(options.limit, options.expected),
    digest: options.digest ?? DIGEST,
    conditions: [
      {
        type: 'Priced',
        status: 'True',
        reason: 'Priced',
        message: 'The plan is priced.',
        lastTransitionTime: AT,
        observedGeneration: 1,
      },
    ],
  };
}

export function jobBody(
  name: string,
  goal: { name: string; uid: string },
  plan: { uid: string },
  limit = '5.00',
): Body<TrainingJob> {
  return {
    apiVersion: API,
    kind: 'TrainingJob',
    metadata: { name, labels: { 'training.kriptik.ai/goal': goal.name } },
    spec: {
      goalRef: goal,
      planRef: { name, uid: plan.uid, digest: DIGEST },
      run: { contract: contract(limit), resolved, quote: quote(limit) },
      replicas: 1,
    },
  };
}

export function jobStatus(
  phase: string,
  options: { spent?: string; percent?: number; limit?: string; checkpointUri?: string } = {},
): TrainingJobStatus {
  const sha = 'c3'.repeat(32);
  return {
    observedGeneration: 1,
    phase,
    replicas: phase === 'Running' ? 1 : 0,
    attempts: [
      {
        number: 1,
        name: 'kriptik-1234abcd-1',
        provider: PROVIDER,
        unitPricePerHour: '6.00',
        createdAt: AT,
        state: phase === 'Running' ? 'Running' : 'Gone',
        resumedFromStep: 0,
        lastStep: 120,
        ...(phase === 'Running'
          ? {}
          : { goneAt: '2026-11-20T10:05:00Z', outcome: 'Frozen', stopReason: 'Budget', cost: '0.50' }),
      },
    ],
    progress: {
      step: 120,
      totalSteps: 240,
      percent: 50,
      loss: '1.234',
      lossHistory: ['2.9', '2.1', '1.7', '1.4', '1.234'],
      secondsPerStep: '1.5',
      tokensPerSecond: '900',
      etaSeconds: 180,
      device: 'cpu',
      updatedAt: AT,
    },
    cost: {
      currency: 'USD',
      limit: options.limit ?? '5.00',
      approvedLimit: '5.00',
      spent: options.spent ?? '0.55',
      compute: '0.50',
      storage: '0.00',
      platformFee: '0.05',
      reserve: '0.05',
      percentUsed: options.percent ?? 11,
      ratePerHour: '6.60',
      forecast: '1.10',
      forecastFits: true,
      asOf: AT,
    },
    checkpoints: [
      {
        step: 120,
        uri: options.checkpointUri ?? 'file:///store/checkpoints/step-00000120',
        manifestSha256: sha,
        sizeBytes: 5_242_880,
        createdAt: AT,
        verifiedAt: AT,
        reason: 'Periodic',
        attempt: 'kriptik-1234abcd-1',
      },
    ],
    conditions: [
      {
        type: 'Ready',
        status: phase === 'Failed' ? 'False' : 'True',
        reason: phase,
        message: `The job is ${phase}.`,
        lastTransitionTime: AT,
        observedGeneration: 1,
      },
    ],
  };
}
