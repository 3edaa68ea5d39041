import type { Stage, TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { trainerStatus } from '../../test/support/observed.ts';
import { progressOf } from './progress.ts';
import { trainerSpecOf } from './trainer-spec.ts';

const job = makeJob()
  .attempt('Creating', { deadline: time(900) })
  .obj();
const { resolved } = job.spec.run;

function stage(name: string, fields: Partial<Stage>): Stage {
  return {
    name,
    title: name,
    purpose: 'supervised',
    startsFrom: 'base',
    summary: name,
    data: [{ uri: `file:///${name}.jsonl`, rowsEstimate: 40, heldOut: { evalShare: '0.1', testShare: '0', seed: 7 } }],
    compute: resolved.compute,
    ...fields,
  };
}

function told(stages: Stage[], adjustments?: string[]) {
  const [attempt] = job.status?.attempts ?? [];
  if (attempt === undefined) throw new Error('the job has an attempt');
  const staged: TrainingJob = {
    ...job,
    spec: {
      ...job.spec,
      run: {
        ...job.spec.run,
        resolved: { ...resolved, stages, evaluation: { samples: 3, scoreModel: 'file:///clip' } },
      },
    },
  };
  return trainerSpecOf(staged, { ...attempt, ...(adjustments && { adjustments }) }, 'file:///store', undefined);
}

const { hyperparameters } = resolved;
const first = stage('supervised', { method: { name: 'lora' }, hyperparameters });
const looks = stage('evaluation', { startsFrom: 'supervised' });

describe('a plan of several stages', () => {
  it('is told to the trainer stage by stage, each with rows and looks of its own', () => {
    const { stages } = told([first, looks]);
    expect(stages).toMatchObject([
      {
        name: 'supervised',
        startsFrom: 'base',
        method: { name: 'lora' },
        data: [{ uri: 'file:///supervised.jsonl' }],
        evaluation: { maxRows: 4, samples: 3, scoreModel: 'file:///clip' },
      },
      { name: 'evaluation', startsFrom: 'supervised', method: null },
    ]);
  });

  it.each([
    ['full', ['merged']],
    ['lora', ['adapter', 'merged']],
    ['dpo', ['adapter', 'merged']],
  ] as const)('leaves behind what its last training stage makes: %s', (name, outputs) => {
    const last = stage('last', { startsFrom: 'supervised', method: { name }, hyperparameters });
    expect(told([first, last, looks]).outputs).toEqual(outputs);
  });

  it('adjusts the stages with the batch that was too large, and the memory of all', () => {
    const other = stage('other', { method: { name: 'dpo' }, hyperparameters: { ...hyperparameters, batchSize: 64 } });
    const { stages = [] } = told(
      [first, other],
      ['hyperparameters.batchSize=1', 'hyperparameters.gradientCheckpointing=true'],
    );
    expect(stages.map((one) => one.hyperparameters)).toMatchObject([
      { batchSize: 1, gradientCheckpointing: true },
      { batchSize: 64, gradientCheckpointing: true },
    ]);
  });
});

describe('the stage that is trained', () => {
  it.each([
    [
      { name: 'preference', index: 1, count: 3, firstStep: 40, lastStep: 60 },
      { name: 'preference', number: 2, count: 3 },
    ],
    [null, undefined],
  ])('is told with the progress: %o', (reported, want) => {
    expect(progressOf(trainerStatus({ stage: reported }), undefined, START)?.stage).toEqual(want);
  });
});
