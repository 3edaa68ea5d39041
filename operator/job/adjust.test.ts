import { describe, expect, it } from 'vitest';
import { makeJob, time } from '../../test/support/builders.ts';
import { makeObserved } from '../../test/support/observed.ts';
import { type AutomaticRemedy, adjusted, automaticRemedies } from './adjust.ts';
import { decideJob } from './decide.ts';
import { trainerSpecOf } from './trainer-spec.ts';

const BOTH: readonly AutomaticRemedy[] = ['GradientCheckpointing', 'SmallerBatch'];
const running = makeJob().attempt('Running', { createdAt: time(0) });
const memory = { code: 'outOfMemory', message: 'the GPU has no memory left', where: null, remedy: 'use less' };

/** Runs out of memory once, is closed, and begins again; gives the new attempt and the status between. */
function outOfMemory(job: ReturnType<typeof running.obj>, allowed: readonly AutomaticRemedy[], seconds = 100) {
  const over = makeObserved(job).at(seconds).instance('exited').with({ automaticRemedies: allowed });
  const { status } = decideJob(over.result('failed', { error: memory }).obj());
  const idle = makeObserved({ ...job, status })
    .at(seconds + 60)
    .with({ automaticRemedies: allowed });
  return { status, next: decideJob(idle.obj()).status };
}

describe('policies', () => {
  it.each([
    { case: 'none', of: [], want: [] },
    { case: 'silent ones', of: [{}], want: [] },
    { case: 'one that allows', of: [{}, { automaticRemedies: [...BOTH] }], want: BOTH },
    {
      case: 'one that allows less',
      of: [{ automaticRemedies: [...BOTH] }, { automaticRemedies: ['SmallerBatch' as const] }],
      want: ['SmallerBatch'],
    },
    { case: 'one that forbids', of: [{ automaticRemedies: [...BOTH] }, { automaticRemedies: [] }], want: [] },
  ])('$case', ({ of, want }) => {
    expect(automaticRemedies(of)).toEqual(want);
  });
});

describe('a job whose memory ran out', () => {
  it('fails with remedies where no policy lets it change anything', () => {
    const { status, next } = outOfMemory(running.obj(), []);
    expect(status.phase).toBe('Failed');
    expect(next.attempts).toHaveLength(1);
    expect(status.diagnosis?.[0]?.remedies?.map(({ change }) => change)).toEqual([
      'hyperparameters.gradientCheckpointing=true',
      'hyperparameters.batchSize=1,hyperparameters.gradientAccumulation=2',
      'method.name=qlora',
      'hyperparameters.maxLength=256',
      undefined,
    ]);
  });

  it('goes on with less memory where a policy lets it', () => {
    const { status, next } = outOfMemory(running.obj(), BOTH);
    expect(status.phase).toBe('Pending');
    expect(next.attempts?.at(-1)).toMatchObject({
      number: 2,
      adjustments: ['hyperparameters.gradientCheckpointing=true'],
    });
  });

  it('changes one thing after the other, and ends when nothing is left', () => {
    const first = outOfMemory(running.obj(), BOTH);
    const second = outOfMemory(ran({ ...running.obj(), status: first.next }), BOTH, 300);
    expect(second.next.attempts?.at(-1)?.adjustments).toEqual([
      'hyperparameters.gradientCheckpointing=true',
      'hyperparameters.batchSize=1',
      'hyperparameters.gradientAccumulation=2',
    ]);
    const third = outOfMemory(ran({ ...running.obj(), status: second.next }), BOTH, 600);
    expect(third.status.phase).toBe('Failed');
  });

  it('tells the trainer, and keeps the step as it was approved', () => {
    const { next } = outOfMemory(running.obj(), ['SmallerBatch']);
    const job = { ...running.obj(), status: next };
    const attempt = next.attempts?.at(-1);
    if (attempt === undefined) throw new Error('there is a second attempt');
    const { hyperparameters } = trainerSpecOf(job, attempt, 'file:///store', undefined);
    expect(hyperparameters).toMatchObject({ batchSize: 1, gradientAccumulation: 2 });
    const { batchSize, gradientAccumulation } = job.spec.run.resolved.hyperparameters;
    expect(hyperparameters.batchSize * hyperparameters.gradientAccumulation).toBe(batchSize * gradientAccumulation);
  });
});

it('passes over what it does not know', () => {
  const { hyperparameters } = running.obj().spec.run.resolved;
  expect(adjusted(hyperparameters, ['hyperparameters.learningRate=9', 'method.name=full'])).toEqual(hyperparameters);
});

/** The newest attempt as it runs. */
function ran(job: ReturnType<typeof running.obj>): ReturnType<typeof running.obj> {
  const attempts = (job.status?.attempts ?? []).map((one, index, all) =>
    index === all.length - 1 ? { ...one, state: 'Running' as const, startedAt: one.createdAt } : one,
  );
  return { ...job, status: { ...job.status, attempts } };
}
