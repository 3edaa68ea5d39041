import { type Attempt, finalizers, type TrainingJob } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, START, time } from '../../test/support/builders.ts';
import { makeObserved, readyProvider } from '../../test/support/observed.ts';
import { microUsd } from '../money.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { TrainerStatus } from '../trainer/messages.ts';
import type { AttemptResult } from '../trainer/result.ts';
import { decideJob } from './decide.ts';

const DECADE = 10 * 365 * 86_400_000;
const began = { createdAt: time(0), startedAt: time(5), instance: '4711' };
const running = makeJob().attempt('Running', began).obj();

function registered(job: TrainingJob): TrainingJob {
  return { ...job, metadata: { ...job.metadata, finalizers: [finalizers.instances] } };
}

/** The job with its newest attempt on an instance that costs nothing. */
function free(job: TrainingJob): TrainingJob {
  const attempts = (job.status?.attempts ?? []).map(
    (attempt, index, all): Attempt => (index < all.length - 1 ? attempt : { ...attempt, unitPricePerHour: '0.00' }),
  );
  return { ...job, status: { ...job.status, attempts } };
}

describe('an instance that costs nothing', () => {
  it('freezes with time to save where the budget is cut below what a paid one spent before', () => {
    const lost = { ...began, goneAt: time(3_600), outcome: 'Lost', lastStep: 10 } as const;
    const next = { createdAt: time(3_700), startedAt: time(3_705), instance: '4712' };
    const job = free(makeJob().attempt('Gone', lost).attempt('Running', next).obj());
    const { status, actions } = decideJob(makeObserved(job).at(4_000).goal({ limit: '2.00' }).trains().obj());
    expect(status.phase).toBe('Freezing');
    expect(actions.map(({ type }) => type)).toEqual(['RequestCheckpoint']);
    const seconds = (Date.parse(status.freeze?.deadline ?? '') - START) / 1_000 - 4_000;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThanOrEqual(120);
  });
});

describe('a budget that lasts for longer than calendars reach', () => {
  it.each([
    { case: 'of a price that is nearly nothing', price: '0.01', storagePrice: undefined },
    { case: 'where only the store costs something', price: '0.00', storagePrice: microUsd(23_000) },
  ])('$case gives deadlines that can be written down', ({ price, storagePrice }) => {
    const o = makeObserved(registered(makeJob().obj())).at(1).goal({ limit: '900000000.00' });
    const { status } = decideJob(
      o.with({ storagePrice, providers: [readyProvider({ unitPricePerHour: price })] }).obj(),
    );
    const deadline = Date.parse(status.attempts?.at(-1)?.deadline ?? '');
    expect(deadline).toBeGreaterThan(START + DECADE / 2);
    expect(deadline).toBeLessThanOrEqual(START + DECADE + 1_000);
  });
});

describe('figures of a trainer that no field takes', () => {
  const said: readonly { readonly what: string; readonly report: Partial<TrainerStatus> }[] = [
    { what: 'a first step that took an hour, of a hundred million', report: { step: 1, secondsPerStep: 3_600 } },
    { what: 'steps beyond all measure', report: { secondsPerStep: 1e300, checkpointSeconds: 1e300 } },
    { what: 'a pass that is no number of passes', report: { epoch: 1e21 } },
    { what: 'less than no time', report: { etaSeconds: -3, epoch: -0.5 } },
  ];
  it.each(said)('are kept within them: $what', ({ report }) => {
    const totalSteps = 100_000_000;
    const o = makeObserved(running).at(100).goal({ limit: '900000000.00' });
    const { status } = decideJob(o.trains({ totalSteps, etaSeconds: 3.6e11, ...report }).obj());
    const { etaSeconds, etaHighSeconds, epoch } = status.progress ?? {};
    for (const eta of [etaSeconds, etaHighSeconds]) {
      expect(eta).toBeGreaterThanOrEqual(0);
      expect(eta).toBeLessThanOrEqual(1_000_000_000);
    }
    if (epoch !== undefined) expect(epoch).toMatch(/^[0-9]{1,9}(\.[0-9]{1,20})?([eE]-?[0-9]{1,2})?$/);
    expect(status.cost?.forecast).toMatch(/^[0-9]{1,9}\.[0-9]{2,6}$/);
  });
});

describe('words that no field takes', () => {
  const faults: readonly { readonly what: string; readonly error: NonNullable<AttemptResult['error']> }[] = [
    { what: 'long ones', error: { code: 'c'.repeat(80), message: 'm'.repeat(9_000), remedy: 'r'.repeat(9_000) } },
    { what: 'none', error: { code: '', message: '', remedy: '' } },
    { what: 'half characters', error: { code: 'odd', message: `${'😀'.repeat(600)}`, remedy: `x${'😀'.repeat(600)}` } },
  ];
  it.each(faults)('of a trainer end its attempt all the same: $what', ({ error }) => {
    const o = makeObserved(running).at(100).instance('exited').result('failed', { error });
    const { status } = decideJob(o.obj());
    expect(status.attempts?.at(-1)?.state).toBe('Gone');
    for (const { message } of status.conditions ?? []) expect(message.length).toBeLessThanOrEqual(4_096);
    expect(status.diagnosis).toHaveLength(1);
    for (const { code, message, remedy } of status.diagnosis ?? []) {
      expect([code, message, remedy].every((text) => text.length > 0)).toBe(true);
      expect(code.length).toBeLessThanOrEqual(64);
    }
    // What the API server would change is written again at each look.
    expect(JSON.stringify(status)).not.toMatch(/\\ud[89a-f]/);
  });

  it('of a cluster that refuses an attempt are told as far as they fit', () => {
    const job = makeJob()
      .attempt('Creating', { createdAt: time(0) })
      .obj();
    const refused = makeObserved(job)
      .at(1)
      .with({ launchError: { message: 'denied '.repeat(1_000), final: false } });
    const { status } = decideJob(refused.obj());
    expect(status.attempts?.at(-1)?.state).toBe('Gone');
    expect(findCondition(status.conditions, 'Ready')?.message).toMatch(/^denied /);
    for (const { message } of status.conditions ?? []) expect(message.length).toBeLessThanOrEqual(4_096);
  });
});

describe('a job whose machine is taken again and again', () => {
  it('tells how often, and that it was no fault of its trainer', () => {
    const taken = { ...began, goneAt: time(50), outcome: 'Lost', exitReason: 'preempted', lastStep: 0 } as const;
    const job = Array.from({ length: 20 }).reduce<ReturnType<typeof makeJob>>(
      (made) => made.attempt('Gone', taken),
      makeJob(),
    );
    const before = { ...registered(job.obj()) };
    const failed = {
      type: 'Failed',
      status: 'True',
      reason: 'LostRepeatedly',
      message: '',
      lastTransitionTime: time(60),
    };
    const told = { ...before, status: { ...before.status, conditions: [{ ...failed, observedGeneration: 99 }] } };
    const { status } = decideJob(
      makeObserved(told as TrainingJob)
        .at(4_000)
        .goal({ limit: '500.00' })
        .obj(),
    );
    expect(findCondition(status.conditions, 'Failed')?.message).toMatch(
      /^20 attempts in a row ended without a result, because their machines were taken:/,
    );
  });
});
