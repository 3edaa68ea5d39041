import type { Attempt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, makePlan, makeProvider, time } from '../../test/support/builders.ts';
import { trainerStatus } from '../../test/support/observed.ts';
import { loadCatalog } from '../catalog/catalog.ts';
import { approvalOf } from '../plan/approval.ts';
import { offersOf } from '../planner/offers.ts';
import { foldAttempts, lossesInARow } from './attempts.ts';
import { appendLoss, progressOf, settledProgress } from './progress.ts';
import { providerViews } from './providers.ts';
import { conditionReason } from './situation.ts';
import { trainerSpecOf } from './trainer-spec.ts';

const attempts = (...changes: Partial<Attempt>[]): readonly Attempt[] =>
  changes.reduce<ReturnType<typeof makeJob>>((job, change) => job.attempt('Gone', change), makeJob()).obj().status
    ?.attempts ?? [];

describe('losses in a row', () => {
  const lost = { outcome: 'Lost' } as const;
  const never = { outcome: 'Lost', startedAt: undefined } as unknown as Partial<Attempt>;
  it.each([
    { case: 'none', of: attempts({ outcome: 'Stopped' }), failed: 0, taken: 0 },
    { case: 'two', of: attempts(lost, lost), failed: 2, taken: 0 },
    { case: 'a pause between starts anew', of: attempts(lost, { outcome: 'Stopped' }, lost), failed: 1, taken: 0 },
    {
      case: 'a trainer that froze itself at once counts, one that was asked to does not',
      of: attempts({ outcome: 'Frozen', stopReason: 'Budget' }, { outcome: 'Frozen' }, lost, { outcome: 'Frozen' }),
      failed: 3,
      taken: 0,
    },
    { case: 'a step forward starts anew', of: attempts(lost, { ...lost, lastStep: 5 }, lost), failed: 1, taken: 0 },
    {
      case: 'a refused creation does not count',
      of: attempts(lost, { ...never, goneAt: time(120) }),
      failed: 1,
      taken: 0,
    },
    { case: 'waiting in vain does not count', of: attempts(lost, { ...never, queued: true }), failed: 1, taken: 0 },
    { case: 'an image that never came was paid and counts', of: attempts(lost, never), failed: 2, taken: 0 },
    {
      case: 'a machine that was taken counts on its own',
      of: attempts(lost, { ...lost, exitReason: 'preempted' }, { ...lost, exitReason: 'evicted' }),
      failed: 1,
      taken: 2,
    },
    {
      case: 'the loss of a machine after a step forward starts anew',
      of: attempts(lost, { ...lost, exitReason: 'nodeLost', lastStep: 40 }),
      failed: 0,
      taken: 0,
    },
  ])('$case', ({ of, failed, taken }) => {
    expect(lossesInARow(of)).toEqual({ failed, taken });
  });
});

it('folding old attempts loses no cent', () => {
  const many = attempts(...Array.from({ length: 53 }, () => ({})));
  const folded = foldAttempts(many, { count: 2, cost: '1.00' });
  expect(folded.attempts).toHaveLength(50);
  const months = [{ month: '2026-11', amount: '0.250002' }];
  expect(folded.attemptsFolded).toEqual({ count: 5, cost: '1.250002', months });
});

describe('progress', () => {
  it('of an ended attempt is the step it saved, never less than it reported', () => {
    const reported = { step: 29, totalSteps: 80, percent: 36, updatedAt: time(0) };
    expect(settledProgress(reported, 30)).toEqual({ ...reported, step: 30, percent: 37 });
    expect(settledProgress(reported, 20)).toBe(reported);
    expect(settledProgress(undefined, 20)).toBeUndefined();
  });

  it('is what the trainer reports, in short numbers', () => {
    expect(progressOf(trainerStatus({ loss: 1.234567, etaSeconds: 260.4 }), undefined, Date.parse(time(0)))).toEqual({
      step: 40,
      totalSteps: 300,
      percent: 13,
      epoch: '0.4',
      loss: '1.235',
      lossHistory: ['1.235'],
      learningRate: '0.0002',
      tokensPerSecond: '310',
      secondsPerStep: '1',
      etaSeconds: 260,
      stepAt: time(0),
      updatedAt: time(0),
    });
  });

  it('stays what it was while the trainer knows nothing yet', () => {
    expect(progressOf(trainerStatus({ totalSteps: null }), undefined, 0)).toBeUndefined();
  });

  it('keeps the whole run in view with a bounded history', () => {
    let history: string[] = [];
    for (let step = 0; step < 500; step++) history = appendLoss(history, String(step), true);
    expect(history.length).toBeLessThanOrEqual(40);
    expect(Number(history[0])).toBeLessThan(100);
    expect(history.at(-1)).toBe('499');
  });
});

describe('a provider of the approved order', () => {
  const catalog = loadCatalog();
  const view = (provider: ReturnType<typeof makeProvider>, busy = 0) => {
    const object = provider.obj();
    const offers = offersOf({ name: object.metadata.name, spec: object.spec, ready: true }, catalog);
    const input = { job: makeJob().obj(), providers: [object], offers, busy: () => busy };
    return providerViews(input)[0];
  };
  const ready = makeProvider().ready();

  it.each([
    { case: 'is ready', view: view(ready), want: { ready: true } },
    { case: 'is busy', view: view(ready, 1), want: { ready: false, reason: 'Busy' } },
    { case: 'has room for two', view: view(ready.spec({ limits: { maxInstances: 2 } }), 1), want: { ready: true } },
    { case: 'is turned off', view: view(ready.spec({ enabled: false })), want: { ready: false, reason: 'Disabled' } },
    { case: 'was not looked at', view: view(makeProvider()), want: { ready: false, reason: 'NotProbed' } },
    {
      case: 'failed its probe',
      view: view(ready.ready('False', 'NoTrainer')),
      want: { ready: false, reason: 'NoTrainer' },
    },
    {
      case: 'asks more than was approved',
      view: view(ready.spec({ local: { gpu: 'cpu', pricePerHour: '7.00' } })),
      want: { dearer: '7.00' },
    },
    {
      case: 'does not exist',
      view: view(makeProvider('other').ready()),
      want: { ready: false, reason: 'ProviderMissing' },
    },
  ])('$case', ({ view: seen, want }) => {
    expect(seen).toMatchObject(want);
  });

  it('that asks less than was approved is fine', () => {
    expect(view(ready.spec({ local: { gpu: 'cpu', pricePerHour: '5.00' } }))).not.toHaveProperty('dearer');
  });
});

describe('what a trainer is told', () => {
  const job = makeJob()
    .attempt('Creating', { deadline: time(900) })
    .obj();
  const [attempt] = job.status?.attempts ?? [];

  it('names the approved work, the store and the deadline', () => {
    if (attempt === undefined) throw new Error('the job has an attempt');
    expect(trainerSpecOf(job, attempt, 'file:///store', undefined)).toMatchObject({
      attempt: 'kriptik-0e5a1c3e-1',
      resume: null,
      deadline: time(900),
      store: { uri: 'file:///store' },
      card: { digest: job.spec.planRef.digest, unitPricePerHour: '6.00' },
    });
  });

  it.each([
    { case: 'nothing', data: [{ uri: 'file:///a.jsonl', rowsEstimate: 40 }], want: undefined },
    {
      case: 'the shares of every source together',
      data: [
        {
          uri: 'file:///a.jsonl',
          rowsEstimate: 170,
          heldOut: { evalShare: '0.1', testShare: '0', seed: 7 },
        },
        {
          uri: 'file:///b.jsonl',
          rowsEstimate: 30,
          heldOut: { evalShare: '0.05', testShare: '0.05', seed: 7 },
        },
      ],
      want: { share: '0.100000', maxRows: 20, everySteps: null },
    },
  ])('holds out $case', ({ data, want }) => {
    if (attempt === undefined) throw new Error('the job has an attempt');
    const { run } = job.spec;
    const other = { ...job, spec: { ...job.spec, run: { ...run, resolved: { ...run.resolved, data } } } };
    expect(trainerSpecOf(other, attempt, 'file:///store', undefined).evaluation).toEqual(want);
  });

  it.each([undefined, 'sharded'] as const)('cuts the model as the plan says: %s', (parallelism) => {
    if (attempt === undefined) throw new Error('the job has an attempt');
    const { run } = job.spec;
    const resolved = { ...run.resolved, ...(parallelism !== undefined && { parallelism }) };
    const other = { ...job, spec: { ...job.spec, run: { ...run, resolved } } };
    expect(trainerSpecOf(other, attempt, 'file:///store', undefined).parallelism).toBe(parallelism);
  });

  const { hyperparameters } = job.spec.run.resolved;
  it.each([
    { field: 'data', change: { data: [] } },
    { field: 'offloadOptimizer', change: { hyperparameters: { ...hyperparameters, offloadOptimizer: true } } },
  ])('is refused with the field when the trainer cannot do it: $field', ({ field, change }) => {
    if (attempt === undefined) throw new Error('the job has an attempt');
    const { run } = job.spec;
    const other = { ...job, spec: { ...job.spec, run: { ...run, resolved: { ...run.resolved, ...change } } } };
    expect(() => trainerSpecOf(other, attempt, 'file:///store', undefined)).toThrow(new RegExp(field));
  });
});

describe('the gate before money is spent', () => {
  const job = makeJob().obj();
  const jobRef = { name: job.metadata.name, uid: job.metadata.uid };
  const plan = makePlan().approved().status({ jobRef }).obj();
  const cheaper = { ...job.spec.run, quote: { ...job.spec.run.quote, unitPricePerHour: '0.01' } };

  it.each([
    { case: 'opens for exactly what was approved', job, plans: [plan], want: undefined },
    {
      case: 'stays shut until the plan names the job',
      job,
      plans: [makePlan().approved().obj()],
      want: 'NotTheJobOfThePlan',
    },
    {
      case: 'stays shut for a second job of the plan',
      job: { ...job, metadata: { ...job.metadata, uid: 'second' } },
      plans: [plan],
      want: 'NotTheJobOfThePlan',
    },
    { case: 'stays shut without the plan', job, plans: [], want: 'PlanMissing' },
    {
      case: 'stays shut for another plan of that name',
      job,
      plans: [{ ...plan, metadata: { ...plan.metadata, uid: 'later' } }],
      want: 'PlanMissing',
    },
    { case: 'stays shut before approval', job, plans: [makePlan().priced().obj()], want: 'NotApproved' },
    { case: 'stays shut after a denial', job, plans: [makePlan().decided('Denied').obj()], want: 'NotApproved' },
    {
      case: 'stays shut for an approval of another digest',
      job,
      plans: [
        makePlan()
          .decided('Approved', { digest: `sha256:${'0'.repeat(64)}` })
          .obj(),
      ],
      want: 'DigestMismatch',
    },
    {
      case: 'stays shut for a tampered run',
      job: { ...job, spec: { ...job.spec, run: cheaper } },
      plans: [plan],
      want: 'DigestMismatch',
    },
  ])('$case', ({ job: asking, plans, want }) => {
    const view = approvalOf(asking, plans);
    expect(view.approved ? undefined : view.reason).toBe(want);
  });
});

it.each([
  ['data.missing-field', 'DataMissingField'],
  ['internal', 'Internal'],
  ['9lives', 'Code9lives'],
  ['', 'Code'],
])('the code "%s" becomes the reason %s', (code, want) => {
  expect(conditionReason(code)).toBe(want);
});
