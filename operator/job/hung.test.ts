import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved } from '../../test/support/observed.ts';
import { lossesInARow } from './attempts.ts';
import { decideJob } from './decide.ts';

const held = { deadline: new Date(Date.parse(time(0)) + 2_723_272).toISOString() };
const progress = { step: 40, totalSteps: 300, percent: 13, secondsPerStep: '1', stepAt: time(60), updatedAt: time(60) };
const running = makeJob()
  .attempt('Running', { createdAt: time(0), startedAt: time(0) })
  .status({
    ...makeJob()
      .attempt('Running', { createdAt: time(0), startedAt: time(0) })
      .obj().status,
    progress,
  });
const look = (seconds: number, change: Parameters<ReturnType<typeof makeObserved>['trains']>[0] = {}) =>
  decideJob(
    makeObserved(running.obj())
      .at(seconds)
      .trains({ ...held, ...change })
      .obj(),
  );
const terminates = (decision: ReturnType<typeof decideJob>) =>
  decision.actions.some(({ type }) => type === 'Terminate');

describe('a trainer that answers', () => {
  it.each([
    { case: 'and was slow for nine minutes is left alone', of: look(600), want: false },
    { case: 'and made no step for ten minutes is replaced', of: look(661), want: true },
    { case: 'and makes steps is left alone', of: look(661, { step: 41 }), want: false },
    {
      case: 'and takes a minute for each step is given half an hour',
      of: look(1_200, { secondsPerStep: 60 }),
      want: false,
    },
    { case: 'and still loads is left alone', of: look(661, { phase: 'preparing' }), want: false },
    { case: 'and has not made its first step is left alone', of: look(661, { step: 0 }), want: false },
  ])('$case', ({ of, want }) => {
    expect(terminates(of)).toBe(want);
  });

  it('says so once', () => {
    const first = look(661);
    expect(first.events.map(({ reason }) => reason)).toContain('TrainerHung');
    const again = decideJob(
      makeObserved({ ...running.obj(), status: first.status })
        .at(663)
        .trains(held)
        .obj(),
    );
    expect(again.events.map(({ reason }) => reason)).not.toContain('TrainerHung');
  });
});

it('one that a queue took the hardware from is begun again', () => {
  const decision = decideJob(makeObserved(running.obj()).at(70).instance('queued').obj());
  expect(terminates(decision)).toBe(true);
  expect(decision.events.map(({ reason }) => reason)).toContain('HardwareTaken');
  // However the end that follows is called, it is none of the trainer's.
  const ended = decideJob(
    makeObserved({ ...running.obj(), status: decision.status })
      .at(75)
      .instance('exited', { exit: { code: 0, signal: null, at: Date.parse(time(74)), reason: 'terminated' } })
      .obj(),
  );
  expect(ended.status.attempts?.at(-1)).toMatchObject({ state: 'Gone', outcome: 'Lost', exitReason: 'preempted' });
  expect(lossesInARow((ended.status.attempts ?? []).map((one) => ({ ...one, lastStep: 0 })))).toEqual({
    failed: 0,
    taken: 1,
  });
});
