import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { checkpoint, makeObserved } from '../../test/support/observed.ts';
import { decideJob } from './decide.ts';
import type { StoreTrouble, StoreView } from './types.ts';

const trouble: StoreTrouble = {
  reason: 'StoreUnreachable',
  message: 'no answer from s3.example.com',
  remedy: 'Check the endpoint.',
};
const known = { latest: checkpoint(40), checkpoints: [checkpoint(40)], artifacts: [], problems: [] };
const away: StoreView = { ...known, unavailable: trouble };
const reading: StoreView = { ...known, pending: { step: 60, doneBytes: 1, totalBytes: 9 } };
const progress = { step: 63, totalSteps: 300, percent: 21, updatedAt: time(90) };
const ending = (stopReason?: 'Budget' | 'Paused') =>
  makeJob()
    .attempt(stopReason === undefined ? 'Running' : 'Stopping', {
      createdAt: time(0),
      ...(stopReason && { stopReason }),
    })
    .status({
      ...makeJob()
        .attempt('Running', { createdAt: time(0), ...(stopReason && { stopReason, state: 'Stopping' }) })
        .obj().status,
      progress,
    });
const over = (job: ReturnType<typeof makeJob>, store: StoreView, seconds = 100) =>
  makeObserved(job.obj()).at(seconds).instance('exited').with({ store });
const message = (decision: ReturnType<typeof decideJob>, type: string) =>
  decision.status.conditions?.find((one) => one.type === type);

describe('an attempt that ends while its store is away', () => {
  it.each([
    { case: 'of itself', job: ending(), phase: 'Pending' },
    { case: 'on a freeze', job: ending('Budget'), phase: 'Frozen' },
    { case: 'on a pause', job: ending('Paused'), phase: 'Paused' },
  ])('$case: is billed no longer, and its record is kept until its outcome is known', ({ job, phase }) => {
    const decision = decideJob(over(job, away).obj());
    expect(decision.status.phase).toBe(phase);
    expect(decision.status.attempts?.[0]).toMatchObject({ state: 'Gone', goneAt: time(100), cost: '0.166667' });
    expect(decision.status.attempts?.[0]).not.toHaveProperty('outcome');
    expect(decision.actions).toEqual([]);
  });

  it('says which step is safe, and which ones nobody knows of', () => {
    const decision = decideJob(over(ending('Budget'), away).obj());
    expect(message(decision, 'Frozen')?.message).toContain('Step 40 was the last one verified');
    expect(message(decision, 'Frozen')?.message).toContain('whether the 23 steps up to 63 were saved is not known');
    expect(message(decision, 'CheckpointVerified')).toMatchObject({ status: 'False', reason: 'StoreUnreachable' });
  });

  it('writes nothing while it waits, and begins nothing', () => {
    const first = decideJob(over(ending(), away).obj()).status;
    const again = decideJob(over(ending().status(first), away, 200).obj());
    expect(again.status).toEqual(first);
    expect(again.actions).toEqual([]);
    expect(again.events).toEqual([]);
  });

  it('finds out what came of it once the store is back', () => {
    const first = decideJob(over(ending('Budget'), away).obj()).status;
    const back = over(ending('Budget').status(first), known, 400);
    const decision = decideJob(back.result('frozen', { step: 40 }).obj());
    expect(decision.status.attempts?.[0]).toMatchObject({ outcome: 'Frozen', goneAt: time(100), lastStep: 40 });
    expect(decision.actions.map(({ type }) => type)).toContain('Release');
  });

  it('is let go at once when it is deleted', () => {
    const first = decideJob(over(ending(), away).obj()).status;
    const decision = decideJob(over(ending().status(first).deleted(), away, 200).obj());
    expect(decision.actions.map(({ type }) => type)).toContain('RemoveFinalizer');
  });
});

it('nothing is concluded while a checkpoint is being read back', () => {
  const frozen = decideJob(over(ending('Budget'), reading).obj());
  expect(frozen.status.phase).toBe('Freezing');
  expect(message(frozen, 'Frozen')?.status).toBe('False');
  const done = decideJob(over(ending().status(decideJob(over(ending(), reading).obj()).status), reading, 101).obj());
  expect(done.status.phase).toBe('Pending');
  expect(message(done, 'Ready')?.reason).toBe('Verifying');
});

it('a job at rest does not begin anew on a store it cannot read', () => {
  const lost = makeJob().attempt('Gone', { outcome: 'Lost', lastStep: 40 });
  const decision = decideJob(makeObserved(lost.obj()).at(900).with({ store: away }).obj());
  expect(decision.status.attempts).toHaveLength(1);
  expect(message(decision, 'Ready')).toMatchObject({ reason: 'StoreUnreachable' });
});
