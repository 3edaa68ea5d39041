import type { ComputeProviderSpec, TrainingGoalSpec, TrainingPolicySpec } from '@kriptik/crds';

const apiVersion = 'training.kriptik.ai/v1alpha1';

/** A goal with every field set. */
export function validGoal(name = 'help-desk') {
  return {
    apiVersion,
    kind: 'TrainingGoal',
    metadata: { name },
    spec: {
      goal: 'Answer like our help desk.',
      budget: { limit: '5.00', currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: {
        modality: 'llm',
        model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
        method: 'lora',
        quality: 'standard',
        providers: ['local', 'runpod'],
        providerNames: ['here'],
        gpuTypes: ['H100-SXM-80GB'],
        maxGpus: 1,
        regions: ['EU-RO-1'],
        licenses: ['apache-2.0'],
        deadline: '1h30m',
        epochs: 3,
        learningRate: '2e-4',
        batchSize: 2,
        maxLength: 512,
        seed: 7,
        checkpointEverySteps: 20,
      },
      data: [
        { name: 'faq', uri: 'file:///data/faq.jsonl', format: 'jsonl', rows: 200, sha256: 'ab'.repeat(32) },
        {
          name: 'chats',
          uri: 'hf://datasets/acme/chats',
          format: 'hub',
          split: 'train',
          revision: 'main',
        },
      ],
      output: [
        { uri: 'file:///models/help-desk', artifacts: ['adapter', 'merged'] },
        { uri: 'hf://acme/help-desk', private: true, credentialsRef: { name: 'hub' } },
      ],
      approval: {
        via: 'pullRequest',
        repository: {
          url: 'https://git.example.com/acme/models',
          branch: 'main',
          path: 'plans',
          credentialsRef: { name: 'forge' },
        },
        reviewers: ['alice'],
      },
      notify: [
        { channel: 'inApp' },
        { channel: 'email', to: 'ml@example.com', events: ['BudgetAlert'], credentialsRef: { name: 'smtp' } },
        { channel: 'sms', to: '+15550100', credentialsRef: { name: 'twilio' } },
        { channel: 'slack', to: '#ml' },
        { channel: 'webhook', to: 'https://hooks.example.com/ml' },
      ],
      suspend: false,
    } satisfies TrainingGoalSpec,
  };
}

/** A policy with every field set. */
export function validPolicy(name = 'acme') {
  return {
    apiVersion,
    kind: 'TrainingPolicy',
    metadata: { name },
    spec: {
      namespaceSelector: { matchLabels: { team: 'ml' } },
      providers: { allowed: ['local', 'kubernetes'], denied: ['runpod'] },
      gpus: { allowed: ['H100-SXM-80GB'], maxCount: 8 },
      licenses: { allowed: ['apache-2.0', 'mit'], denied: ['other'] },
      regions: { allowed: ['EU-RO-1'] },
      models: { allowed: ['HuggingFaceTB/*'], denied: ['meta-llama/*'] },
      ceilings: { perJob: '100', perNamespacePerMonth: '1000' },
      approval: {
        autoApproveBelow: '5.00',
        authorMayApprove: false,
        tiles: [
          { names: ['Budget'], groups: ['finance'] },
          { names: ['Model', 'Data'], users: ['alice'] },
        ],
      },
    } satisfies TrainingPolicySpec,
  };
}

/** This machine as a provider. */
export function validProvider(name = 'here') {
  return {
    apiVersion,
    kind: 'ComputeProvider',
    metadata: { name },
    spec: {
      type: 'local',
      order: 10,
      enabled: true,
      regions: ['desk'],
      limits: { maxInstances: 1, maxPricePerHour: '10' },
      local: {
        gpu: 'RTX-4090-24GB',
        gpuCount: 2,
        pricePerHour: '6.00',
        workDir: '/var/lib/kriptik',
        resources: { maxCpus: 4, maxMemory: '8Gi', niceness: 10 },
      },
    } satisfies ComputeProviderSpec,
  };
}

/** A GPU cloud as a provider. */
export function validCloud(name = 'cloud') {
  return {
    apiVersion,
    kind: 'ComputeProvider',
    metadata: { name },
    spec: {
      type: 'runpod',
      credentialsRef: { name: 'runpod', namespace: 'kriptik-system' },
      prices: { source: 'declared', declared: [{ gpu: 'H100-SXM-80GB', pricePerHour: '2.99', asOf: '2026-11-22' }] },
      runpod: { cloud: 'SECURE', dataCenters: ['EU-RO-1'] },
    } satisfies ComputeProviderSpec,
  };
}
