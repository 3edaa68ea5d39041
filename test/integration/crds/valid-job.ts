import type { TrainingJobSpec, TrainingJobStatus } from '@kriptik/crds';
import { contract, digest, quote, resolved, time } from './valid-plan.ts';

/** Job of the plan of the same name. */
export function validJob(name = 'help-desk-0123abcd') {
  return {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingJob',
    metadata: { name },
    spec: {
      goalRef: { name: 'help-desk', uid: '5d5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f11' },
      planRef: { name, uid: '0e5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f22', digest },
      run: { contract, resolved, quote },
      replicas: 1,
    } satisfies TrainingJobSpec,
  };
}

/** A job that was frozen once and runs again. */
export const runningStatus: TrainingJobStatus = {
  observedGeneration: 1,
  conditions: [
    { type: 'Ready', status: 'True', reason: 'Running', message: 'Step 40 of 300.', lastTransitionTime: time },
  ],
  phase: 'Running',
  replicas: 1,
  selector: 'training.kriptik.ai/job=help-desk-0123abcd',
  attempts: [
    {
      number: 1,
      name: 'kriptik-0e5a1c3e-1',
      provider: 'here',
      unitPricePerHour: '6.00',
      createdAt: '2026-11-22T10:00:00Z',
      instance: '4711',
      endpoint: 'http://127.0.0.1:40123',
      state: 'Gone',
      stopReason: 'Budget',
      startedAt: '2026-11-22T10:00:05Z',
      goneAt: '2026-11-22T10:10:00Z',
      outcome: 'Frozen',
      resumedFromStep: 0,
      lastStep: 20,
      deadline: '2026-11-22T10:10:00Z',
      cost: '1.00',
      message: 'Frozen at step 20.',
    },
    {
      number: 2,
      name: 'kriptik-0e5a1c3e-2',
      provider: 'here',
      unitPricePerHour: '6.00',
      createdAt: '2026-11-22T11:00:00Z',
      state: 'Running',
      resumedFromStep: 20,
    },
  ],
  attemptsFolded: { count: 0, cost: '0' },
  progress: {
    step: 40,
    totalSteps: 300,
    percent: 13,
    epoch: '0.4',
    loss: '1.8',
    lossHistory: ['2.5', '2.1', '1.8'],
    learningRate: '0.0002',
    tokensPerSecond: '310',
    secondsPerStep: '0.9',
    etaSeconds: 234,
    device: 'cpu',
    updatedAt: time,
  },
  cost: {
    currency: 'USD',
    limit: '5.00',
    approvedLimit: '5.00',
    spent: '1.10',
    compute: '1.00',
    storage: '0',
    platformFee: '0.10',
    reserve: '0.20',
    percentUsed: 22,
    ratePerHour: '6.60',
    forecast: '2.50',
    forecastFits: true,
    options: ['Nothing to do.'],
    asOf: time,
  },
  freeze: { requestedAt: time, reason: 'Budget', requestId: 'freeze-1', deadline: time, limit: '1.20' },
  checkpoints: [
    {
      step: 20,
      uri: 'file:///store/checkpoints/step-00000020',
      manifestSha256: 'ab'.repeat(32),
      sizeBytes: 1_000_000,
      createdAt: time,
      verifiedAt: time,
      reason: 'Requested',
      attempt: 'kriptik-0e5a1c3e-1',
    },
  ],
  artifacts: [
    {
      name: 'adapter',
      uri: 'file:///store/artifacts/adapter',
      manifestSha256: 'ab'.repeat(32),
      sizeBytes: 10,
      verifiedAt: time,
    },
  ],
  diagnosis: [{ code: 'SlowDevice', message: 'A CPU is slow.', remedy: 'Choose a GPU.', at: time }],
  timings: [{ provider: 'here', checkpointSeconds: ['1.5'], teardownSeconds: ['0.4'] }],
  storage: {
    bytes: 2_000,
    pricePerGiBMonth: '0.023',
    since: time,
    accrued: '0.000001',
    months: [{ month: '2026-11', amount: '0.000001' }],
  },
  pace: [{ attempt: 1, step: 10, at: time }],
};
