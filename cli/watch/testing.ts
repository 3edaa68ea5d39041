import type { TrainingGoal, TrainingJob } from '@kriptik/crds';
import type { KubeEvent } from '../describe/common.ts';
import type { Snapshot } from './snapshot.ts';

export const at = '2026-01-01T00:00:00Z';
/** A minute after everything in here, epoch ms. */
export const now = Date.parse('2026-01-01T00:01:00Z');

export const goal = {
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'TrainingGoal',
  metadata: { name: 'helpdesk', namespace: 'default', uid: 'g', generation: 1, creationTimestamp: at },
  spec: { goal: 'x' },
  status: { phase: 'Training', jobRef: { name: 'helpdesk-1', uid: 'j' } },
} as TrainingGoal;

/** A job of the goal; `step` is that of its only checkpoint. */
export const job = (phase: string, percent: number, limit = '1.00', step = 0): TrainingJob =>
  ({
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingJob',
    metadata: { name: 'helpdesk-1', namespace: 'default', uid: 'j', generation: 1 },
    spec: { run: { contract: { budget: { alertAt: 80, warnAt: 95 } } }, replicas: 1 },
    status: {
      phase,
      attempts: [
        { number: 1, provider: 'local', state: 'Running', resumedFromStep: 0, createdAt: at, unitPricePerHour: '6.00' },
      ],
      progress: {
        step: percent * 2,
        totalSteps: 200,
        percent,
        loss: '1.5',
        lossHistory: ['3', '2', '1.5'],
        etaSeconds: 90,
        secondsPerStep: '0.5',
        device: 'cpu',
        updatedAt: at,
      },
      cost: {
        limit,
        spent: '0.50',
        percentUsed: 50,
        ratePerHour: '6.00',
        forecast: '1.20',
        forecastFits: false,
        reserve: '0.05',
      },
      checkpoints: step === 0 ? [] : [{ step, createdAt: at, verifiedAt: at }],
    },
  }) as unknown as TrainingJob;

export const event = (uid: string, reason: string, message: string, count = 1, lastTimestamp = at): KubeEvent => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: uid, uid },
  type: 'Normal',
  reason,
  message,
  count,
  lastTimestamp,
  involvedObject: { kind: 'TrainingJob', name: 'helpdesk-1' },
});

export const snapshot = (part: Partial<Snapshot['story']> = {}, trouble?: string): Snapshot => ({
  story: { goal, events: [], ...part },
  trouble,
});
