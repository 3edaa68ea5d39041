import { API_VERSION, type TrainingGoal, type TrainingGoalStatus } from '@kriptik/crds';
import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

const status = (message: string, more: Partial<TrainingGoalStatus> = {}): TrainingGoalStatus => ({
  phase: 'Training',
  observedGeneration: 1,
  conditions: [
    { type: 'Ready', status: 'False', reason: 'Training', message, lastTransitionTime: '2026-11-23T10:00:00Z' },
  ],
  budget: { limit: '5.00', source: 'spec', spent: '1.00', percentUsed: 20 },
  ...more,
});
const goal: TrainingGoal = {
  apiVersion: API_VERSION,
  kind: 'TrainingGoal',
  metadata: { name: 'helpdesk', namespace: 'team', uid: 'uid-1', generation: 1 },
  spec: { goal: 'Train it.' },
  status: status('Attempt 1 starts'),
};

it.each<{ case: string; next: TrainingGoalStatus; waits: number }>([
  { case: 'new words of the job', next: status('Attempt 1 runs'), waits: 2_000 },
  {
    case: 'money spent',
    next: status('Attempt 1 starts', { budget: { limit: '5.00', source: 'spec', spent: '1.10', percentUsed: 22 } }),
    waits: 2_000,
  },
  { case: 'another phase', next: status('Frozen', { phase: 'Frozen' }), waits: 0 },
  {
    case: 'another limit',
    next: status('Attempt 1 starts', { budget: { limit: '6.00', source: 'spec', spent: '1.00', percentUsed: 16 } }),
    waits: 0,
  },
  { case: 'a job to refer to', next: status('Attempt 1 starts', { jobRef: { name: 'job', uid: 'uid-2' } }), waits: 0 },
  { case: 'nothing new', next: status('Attempt 1 starts'), waits: 0 },
])('$case, a second after the last write, waits $waits ms', ({ next, waits }) => {
  const pace = new Pace();
  pace.wrote(goal, 10_000);
  expect(pace.waitMs(goal, next, 11_000)).toBe(waits);
  expect(pace.waitMs(goal, next, 13_000)).toBe(0);
});

it('what this process has not written before is written at once', () => {
  expect(new Pace().waitMs(goal, status('Attempt 1 runs'), 11_000)).toBe(0);
});
