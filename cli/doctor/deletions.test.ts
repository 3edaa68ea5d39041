import { describe, expect, it } from 'vitest';
import { explainDeletions, type Leaving } from './deletions.ts';

const NOW = Date.parse('2026-11-22T10:10:00Z');
const leaving = (kind: string, name: string, change: Partial<Leaving['metadata']> = {}, reason?: string): Leaving => ({
  kind,
  metadata: { name, uid: `uid-${name}`, deletionTimestamp: '2026-11-22T10:00:00Z', ...change },
  ...(reason === undefined
    ? {}
    : { status: { conditions: [{ type: 'Ready', reason, message: `kept by ${reason}.` }] } }),
});
const ours = ['training.kriptik.ai/instances'];

describe('deletions', () => {
  it.each([
    { case: 'none', of: [], want: 'nothing waits' },
    {
      case: 'one that just began',
      of: [leaving('TrainingJob', 'a', { deletionTimestamp: '2026-11-22T10:09:30Z' })],
      want: 'nothing waits',
    },
    {
      case: 'a job whose instance cannot be seen',
      of: [leaving('TrainingJob', 'a', { finalizers: ours }, 'DeletionBlocked')],
      want: 'TrainingJob a: kept by DeletionBlocked.',
    },
    {
      case: 'a goal that waits for its plan',
      of: [
        leaving('TrainingGoal', 'g', { finalizers: ['foregroundDeletion'] }),
        leaving('TrainingPlan', 'p', {
          ownerReferences: [{ uid: 'uid-g' }],
          deletionTimestamp: '2026-11-22T10:09:30Z',
        }),
      ],
      want: 'TrainingGoal g: it goes after TrainingPlan p.',
    },
    {
      case: 'one that another program keeps',
      of: [leaving('TrainingPlan', 'p', { finalizers: ['example.com/backup'] })],
      want: 'another program keeps it by the finalizer example.com/backup.',
    },
  ])('$case', ({ of, want }) => {
    expect(explainDeletions(of, NOW).detail).toContain(want);
  });

  it('says how to let go, and at what risk', () => {
    const finding = explainDeletions([leaving('TrainingJob', 'a', { finalizers: ours }, 'DeletionBlocked')], NOW);
    expect(finding).toMatchObject({ result: 'warn', remedy: expect.stringContaining('billed on') });
  });
});
