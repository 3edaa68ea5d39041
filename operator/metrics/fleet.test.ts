import type { Condition, TrainingJobStatus, TrainingReceipt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeGoal, makeJob, makePlan, makeProvider, START, time } from '../../test/support/builders.ts';
import { receiptOf } from '../budget/receipts.ts';
import { type GaugeName, gauges } from './definitions.ts';
import { type FleetObjects, fleetSamples } from './fleet.ts';

const now = START + 600_000;

const cost = {
  currency: 'USD',
  limit: '5.00',
  approvedLimit: '5.00',
  spent: '1.10',
  compute: '1.00',
  storage: '0.00',
  platformFee: '0.10',
  reserve: '0.20',
  percentUsed: 22,
  ratePerHour: '6.60',
  asOf: time(600),
} satisfies TrainingJobStatus['cost'];

const told = (type: string, status: 'True' | 'False', reason = type): Condition => ({
  type,
  status,
  reason,
  message: '',
  lastTransitionTime: time(300),
});

/** Values of one metric for the objects given, as `label,label=value`. */
function values(name: GaugeName, objects: Partial<FleetObjects>): string[] {
  const samples = fleetSamples({ goals: [], plans: [], jobs: [], receipts: [], providers: [], now, ...objects });
  return samples.of(name).map(({ labels, value }) => `${Object.values(labels).join(',')}=${value}`);
}

const running = (status: TrainingJobStatus = {}) => [
  makeJob()
    .attempt('Running')
    .status({ phase: 'Running', cost, ...status })
    .obj(),
];

describe('the figures of a fleet', () => {
  it('counts objects by phase', () => {
    expect(values('kriptik_jobs', { jobs: [...running(), ...running(), makeJob().obj()] })).toEqual([
      'team,Running=2',
      'team,New=1',
    ]);
    expect(values('kriptik_goals', { goals: [makeGoal().obj()] })).toEqual(['team,New=1']);
  });

  it('tells no more codes of findings than a hundred, whatever trainers call theirs', () => {
    const diagnosis = Array.from({ length: 103 }, (_, index) => ({
      code: `Own${index}`,
      message: 'm',
      remedy: 'r',
      at: time(1),
    }));
    const told = values('kriptik_job_findings', { jobs: running({ diagnosis }) });
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toBe('team,other=3');
  });

  it('adds up what is spent and what it costs an hour', () => {
    const jobs = [...running(), ...running()];
    expect(values('kriptik_spent_usd', { jobs })).toEqual([
      'team,compute=2',
      'team,storage=0',
      'team,platform_fee=0.2',
    ]);
    expect(values('kriptik_spend_rate_usd_per_hour', { jobs })).toEqual(['team,here=13.2']);
    expect(values('kriptik_instances', { jobs })).toEqual(['team,here=2']);
  });

  it('counts what deleted jobs spent, each once', () => {
    const [job] = running({ cost: { ...cost, spent: '1.10' }, attempts: [] });
    const month = { month: '2026-01', compute: '2.00', storage: '0.50', platformFee: '0.25' };
    const receiptFor = (uid: string): TrainingReceipt => {
      const made = receiptOf(makeJob().attempt('Running').obj(), now);
      const spec = { ...made.spec, job: { ...made.spec.job, uid }, months: [month] };
      return {
        ...made,
        metadata: { ...made.metadata, uid: `receipt-${uid}`, resourceVersion: '1', generation: 1 },
        spec,
      };
    };
    const receipts = [receiptFor('gone'), receiptFor(job?.metadata.uid ?? '')];
    expect(values('kriptik_spent_usd', { jobs: running(), receipts })).toEqual([
      'team,compute=3',
      'team,storage=0.5',
      'team,platform_fee=0.35',
    ]);
  });

  it.each([
    ['nothing when spending is within what was approved', { ...cost }, 'team=0'],
    ['what lies above the approved limit', { ...cost, spent: '5.25' }, 'team=0.25'],
    ['nothing when the limit was raised', { ...cost, spent: '5.25', limit: '6.00' }, 'team=0'],
    ['nothing when the limit was cut below what was spent before', { ...cost, spent: '2.00', limit: '1.00' }, 'team=0'],
  ])('reports as overspent %s', (_name, changed, expected) => {
    expect(values('kriptik_overspend_usd', { jobs: running({ cost: changed }) })).toEqual([expected]);
  });

  it('reports nothing as overspent when a raise that was used up is taken back', () => {
    const job = makeJob().attempt('Gone', { deadlineLimit: '9.00' });
    const jobs = [job.status({ cost: { ...cost, spent: '8.00' } }).obj()];
    expect(values('kriptik_overspend_usd', { jobs })).toEqual(['team=0']);
  });

  it('tells which line of the budget running jobs reached, and not those that ended', () => {
    const conditions = [told('BudgetAlert', 'True'), told('BudgetWarning', 'False')];
    const ended = makeJob().attempt('Gone').status({ conditions }).obj();
    expect(values('kriptik_jobs_at_budget_line', { jobs: [...running({ conditions }), ended] })).toEqual([
      'team,alert=1',
      'team,warning=0',
    ]);
  });

  it('tells jobs that will not fit their budget', () => {
    const jobs = running({ cost: { ...cost, forecast: '7.00', forecastFits: false } });
    expect(values('kriptik_jobs_forecast_over_budget', { jobs })).toEqual(['team=1']);
  });

  it.each([
    ['a store that does not answer', told('CheckpointVerified', 'False', 'StoreUnreachable'), 'team=1'],
    ['a checkpoint that was never made', told('CheckpointVerified', 'False', 'NoCheckpoint'), 'team=0'],
    ['a verified one', told('CheckpointVerified', 'True', 'HashesMatch'), 'team=0'],
  ])('counts failing checkpoints: %s', (_name, condition, expected) => {
    expect(values('kriptik_jobs_checkpoint_failing', { jobs: running({ conditions: [condition] }) })).toEqual([
      expected,
    ]);
  });

  it('keeps the worst age: of checkpoints, of silence, of waiting', () => {
    const saved = { step: 5, uri: 'file:///c', manifestSha256: 'a'.repeat(64), sizeBytes: 1, attempt: 'one' } as const;
    const checkpoints = [{ ...saved, createdAt: time(480), verifiedAt: time(481), reason: 'Periodic' as const }];
    const jobs = [...running({ checkpoints }), ...running()];
    // The second has none since it began, at one minute.
    expect(values('kriptik_checkpoint_age_seconds', { jobs })).toEqual(['team=540']);
    expect(values('kriptik_checkpoint_age_seconds', { jobs: running({ checkpoints }) })).toEqual(['team=120']);
    const progress = { step: 3, totalSteps: 10, percent: 30, updatedAt: time(590) };
    expect(values('kriptik_job_silence_seconds', { jobs: running({ progress }) })).toEqual(['team=10']);
    const stepped = { ...progress, stepAt: time(200) };
    const stepAge = (change: Partial<typeof stepped>) =>
      values('kriptik_job_step_age_seconds', { jobs: running({ progress: { ...stepped, ...change } }) });
    expect(stepAge({})).toEqual(['team=400']);
    expect(stepAge({ step: 0 })).toEqual([]);
    expect(stepAge({ step: 10 })).toEqual([]);
    const ready = told('Ready', 'False', 'InsufficientCapacity');
    const pending = makeJob()
      .status({ phase: 'Pending', conditions: [ready] })
      .obj();
    expect(values('kriptik_job_pending_seconds', { jobs: [pending] })).toEqual(['team,InsufficientCapacity=300']);
    const doomed = makeJob()
      .meta({ deletionTimestamp: time(570) })
      .obj();
    expect(values('kriptik_deletion_age_seconds', { jobs: [doomed] })).toEqual(['TrainingJob=30']);
  });

  it('tells how long a plan has been waiting for approval, and not one that was decided', () => {
    const waiting = makePlan()
      .meta({ creationTimestamp: time(0) })
      .status({ digest: `sha256:${'a'.repeat(64)}` })
      .obj();
    expect(values('kriptik_plan_waiting_seconds', { plans: [waiting] })).toEqual(['team=600']);
    const approved = makePlan()
      .approved()
      .meta({ creationTimestamp: time(0) })
      .obj();
    expect(values('kriptik_plan_waiting_seconds', { plans: [approved] })).toEqual([]);
  });

  it('tells whether providers are ready, but for those turned off', () => {
    const off = makeProvider('off').spec({ enabled: false }).obj();
    const providers = [makeProvider().ready().obj(), makeProvider('there').ready('False').obj(), off];
    expect(values('kriptik_provider_ready', { providers })).toEqual(['here,local=1', 'there,local=0']);
  });

  it('has the labels of its definition and no other', () => {
    const objects = {
      goals: [makeGoal().obj()],
      plans: [makePlan().obj()],
      jobs: running(),
      receipts: [],
      providers: [makeProvider().obj()],
    };
    const samples = fleetSamples({ ...objects, now });
    for (const name of samples.names()) {
      const [first] = samples.of(name);
      expect([name, Object.keys(first?.labels ?? {})]).toEqual([name, [...gauges[name as GaugeName].labels]]);
    }
  });
});
