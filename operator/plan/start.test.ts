import type { Checkpoint, Resolved, TrainingJob, TrainingJobStatus } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { resolved } from '../../test/integration/crds/valid-plan.ts';
import { makeJob, time } from '../../test/support/builders.ts';
import { misfitOf, type Start, startOf, takenOver } from './start.ts';

type Finding = NonNullable<TrainingJobStatus['diagnosis']>[number];

const checkpoint = (step: number, change: Partial<Checkpoint> = {}): Checkpoint => ({
  step,
  uri: `s3://bucket/jobs/a/checkpoints/step-${step}`,
  manifestSha256: 'a'.repeat(64),
  sizeBytes: 10,
  createdAt: time(step),
  reason: 'Periodic',
  attempt: 'kriptik-a-1',
  verifiedAt: time(step),
  ...change,
});
const unverified = (step: number): Checkpoint => {
  const { verifiedAt: _verified, ...rest } = checkpoint(step);
  return rest;
};
const finding = (soundUntilStep: number, change: Partial<Finding> = {}): Finding => ({
  code: 'LossDiverging',
  message: 'It rises',
  remedy: 'Halve it',
  at: time(0),
  soundUntilStep,
  ...change,
});
const store = { provider: 'bucket', uri: 's3://bucket/jobs/a' };
const jobWith = (checkpoints: Checkpoint[], change: TrainingJobStatus = {}): TrainingJob =>
  makeJob()
    .status({ checkpoints, store, ...change })
    .obj();
const withHyper = (change: Partial<Resolved['hyperparameters']>, base: Resolved = resolved): Resolved => ({
  ...base,
  hyperparameters: { ...base.hyperparameters, ...change },
});
const slower = withHyper({ learningRate: '0.0001' });
const start = (job: TrainingJob, after = slower, told?: Start, steps = 300): Start =>
  startOf({ modality: 'llm', before: resolved, after, steps, job, told });

describe('what a checkpoint of one plan can be gone on from with', () => {
  const pieces = withHyper({ batchSize: 1, gradientAccumulation: 2 });
  const whole = withHyper({ batchSize: 2, gradientAccumulation: 1 });
  const reward = (of: Resolved): Resolved => ({ ...of, method: { ...of.method, name: 'rlhf' } });
  it.each<{ case: string; after: Resolved; before?: Resolved; modality?: string }>([
    { case: 'the same', after: resolved },
    { case: 'another learning rate', after: slower },
    { case: 'fewer passes', after: withHyper({ epochs: 1 }) },
    { case: 'other steps', after: withHyper({ maxSteps: 200 }) },
    { case: 'activations computed again', after: withHyper({ gradientCheckpointing: true }) },
    { case: 'the same step in smaller pieces', before: whole, after: pieces },
    { case: 'another price', after: { ...resolved, providerOrder: [] } },
    { case: 'another learning rate of a picture model', after: slower, modality: 'image' },
  ])('$case: yes', ({ before = resolved, after, modality = 'llm' }) => {
    expect(misfitOf(before, after, modality)).toBeUndefined();
  });
  it.each<{ case: string; after: Resolved; before?: Resolved; modality?: string; why: RegExp }>([
    {
      case: 'another model',
      after: { ...resolved, model: { ...resolved.model, source: 'hf://x/y' } },
      why: /base model/,
    },
    { case: 'another commit', after: { ...resolved, model: { ...resolved.model, revision: 'c2' } }, why: /base model/ },
    {
      case: 'another method',
      after: { ...resolved, method: { ...resolved.method, name: 'qlora' } },
      why: /lora to qlora/,
    },
    {
      case: 'another rank',
      after: { ...resolved, method: { ...resolved.method, lora: { r: 4, alpha: 8, dropout: '0', targets: ['q'] } } },
      why: /adapter/,
    },
    { case: 'other rows', after: { ...resolved, data: [] }, why: /rows change/ },
    {
      case: 'more machines',
      after: { ...resolved, compute: { ...resolved.compute, nodes: 3 } },
      why: /number of GPUs/,
    },
    { case: 'shorter rows', after: withHyper({ maxLength: 16 }), why: /other rows/ },
    { case: 'a longer warm-up', after: withHyper({ warmupRatio: '0.2' }), why: /warm-up/ },
    {
      case: 'fewer rows a step',
      before: whole,
      after: withHyper({ batchSize: 1, gradientAccumulation: 1 }),
      why: /number of rows/,
    },
    { case: 'smaller pieces of a picture model', before: whole, after: pieces, modality: 'image', why: /pieces/ },
    {
      case: 'fewer steps with a reward model',
      before: reward(resolved),
      after: reward(withHyper({ maxSteps: 9 })),
      why: /reward/,
    },
    { case: 'shards in the place of replicas', after: { ...resolved, parallelism: 'sharded' }, why: /share the model/ },
    { case: 'what nobody knew of yet', after: { ...resolved, novelty: 'some' } as Resolved, why: /novelty/ },
    { case: 'another seed', after: withHyper({ seed: 99 }), why: /seed/ },
    { case: 'another precision', after: withHyper({ precision: 'fp16' }), why: /precision/ },
  ])('$case: no', ({ before = resolved, after, modality = 'llm', why }) => {
    expect(misfitOf(before, after, modality)).toMatch(why);
  });
});

describe('an amendment begins', () => {
  it.each<{ case: string; job: TrainingJob; want: Partial<Start>; after?: Resolved; steps?: number }>([
    {
      case: 'at the newest verified checkpoint',
      job: jobWith([checkpoint(40), checkpoint(80), unverified(90)]),
      want: { from: 'Checkpoint', step: 80, lastStep: 300 },
    },
    {
      case: 'at one from before the loss went wrong',
      job: jobWith([checkpoint(40), checkpoint(60), checkpoint(80)], { diagnosis: [finding(70)] }),
      want: { from: 'Checkpoint', step: 60, soundUntil: 70 },
    },
    {
      case: 'by the earliest of several findings',
      job: jobWith([checkpoint(40), checkpoint(60)], {
        diagnosis: [finding(70), finding(50, { code: 'Overfitting' })],
      }),
      want: { step: 40, soundUntil: 50 },
    },
    {
      case: 'at any where the finding is over',
      job: jobWith([checkpoint(80)], { diagnosis: [finding(70, { resolvedAt: time(9) })] }),
      want: { from: 'Checkpoint', step: 80 },
    },
    { case: 'at what is to be saved yet', job: jobWith([]), want: { from: 'Checkpoint', step: 0 } },
    {
      case: 'at the base where nothing is left from before the loss went wrong',
      job: jobWith([checkpoint(80)], { diagnosis: [finding(70)] }),
      want: { from: 'Base', step: 0, reason: expect.stringContaining('after step 70') },
    },
    {
      case: 'at a checkpoint before its own end',
      job: jobWith([checkpoint(40), checkpoint(80)]),
      steps: 80,
      want: { from: 'Checkpoint', step: 40, lastStep: 80 },
    },
    {
      case: 'at the base where all that is kept is past its own end',
      job: jobWith([checkpoint(80)]),
      steps: 60,
      want: { from: 'Base', reason: expect.stringContaining('where it ends') },
    },
    {
      case: 'at the base where no checkpoint fits',
      job: jobWith([checkpoint(80)]),
      after: withHyper({ maxLength: 16 }),
      want: { from: 'Base', step: 0, reason: expect.stringContaining('other rows') },
    },
    {
      case: 'at the base where the checkpoint cannot be reached',
      job: jobWith([checkpoint(80, { uri: 'file:///a/step-80' })], { store: { provider: 'desk', uri: 'file:///a' } }),
      want: { from: 'Base', reason: expect.stringContaining('desk') },
    },
  ])('$case', ({ job, after, steps, want }) => {
    expect(start(job, after, undefined, steps)).toMatchObject(want);
  });

  it('at what was told before while a later checkpoint is there, so that its digest stands still', () => {
    const told = start(jobWith([checkpoint(40)]));
    expect(start(jobWith([checkpoint(60), checkpoint(80)]), slower, told)).toEqual(told);
    expect(start(jobWith([checkpoint(20)]), slower, told)).toMatchObject({ step: 20 });
    expect(start(jobWith([checkpoint(80)], { diagnosis: [finding(90)] }), slower, told)).toMatchObject({ step: 80 });
    expect(start(jobWith([checkpoint(80)]), slower, told, 200)).toMatchObject({ lastStep: 200, step: 80 });
  });
});

describe('its job takes over', () => {
  const from = (change: Partial<Start> = {}): Start => ({
    from: 'Checkpoint',
    step: 40,
    lastStep: 300,
    reason: 'newest',
    ...change,
  });
  const job = jobWith([checkpoint(40), checkpoint(60), checkpoint(80), checkpoint(120)]);

  it('the newest checkpoint that its plan allows, with where it lies', () => {
    expect(takenOver(job, from())).toEqual({
      provider: 'bucket',
      jobUid: job.metadata.uid,
      step: 120,
      uri: 's3://bucket/jobs/a/checkpoints/step-120',
      manifestSha256: 'a'.repeat(64),
      sizeBytes: 10,
      createdAt: time(120),
      attempt: 'kriptik-a-1',
    });
    expect(takenOver(job, from({ soundUntil: 70 }))?.step).toBe(60);
    expect(takenOver(job, from({ lastStep: 120 }))?.step).toBe(80);
  });

  it('nothing where its plan says that it starts over, or is of a time before plans said', () => {
    expect(takenOver(job, from({ from: 'Base', step: 0 }))).toBeUndefined();
    expect(takenOver(job, undefined)).toBeUndefined();
  });

  it('what the job before began with, where that saved nothing of its own', () => {
    const [own] = [takenOver(job, from())];
    const begun = {
      ...jobWith([]),
      spec: {
        ...job.spec,
        continues: { job: { name: 'a', uid: 'a' }, agreed: '0.00', spent: '0.00', ...(own && { checkpoint: own }) },
      },
    };
    expect(takenOver(begun, from())).toEqual(own);
  });
});
