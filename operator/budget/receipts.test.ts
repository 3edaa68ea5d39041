import type { Cost, TrainingJob, TrainingReceipt } from '@kriptik/crds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeGoal, makeJob, makePlan, makeReceipt, START, time } from '../../test/support/builders.ts';
import { formatMoney, parseMoney } from '../money.ts';
import { spendNow } from './job-ledger.ts';
import { familyOf, receiptOf, receiptSpend, spentBeside, spentByGone } from './receipts.ts';

const HOUR = 3_600;
const plan = makePlan().approved().obj();
/** Ran for an hour at $6: $6.60 with the fee. */
const hour = makeJob(plan).attempt('Gone', { createdAt: time(0), goneAt: time(HOUR) });
const named = (job: TrainingJob, uid: string): TrainingJob => ({
  ...job,
  metadata: { ...job.metadata, name: uid, uid },
});
const later = START + 2 * HOUR * 1000;

describe('the receipt of a job', () => {
  it('is named by its uid and says whose budget it was', () => {
    const job = hour.obj();
    const { metadata, spec } = receiptOf(job, later);
    expect(metadata).toEqual({
      name: job.metadata.uid,
      namespace: 'team',
      labels: { 'training.kriptik.ai/goal': job.spec.goalRef.name },
    });
    expect(spec).toMatchObject({
      goalRef: job.spec.goalRef,
      planRef: { uid: plan.metadata.uid },
      work: plan.spec.contract.inputHash,
      spent: '6.60',
    });
  });

  it('splits at the turn of a month to the micro-dollar, and adds up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 86_400 }), fc.integer({ min: 1, max: 9_999 }), (seconds, cents) => {
        const job = makeJob(plan)
          .attempt('Gone', { createdAt: time(0), goneAt: time(seconds), unitPricePerHour: `${cents / 100}` })
          .obj();
        const now = START + seconds * 1000 + 5;
        const { spec } = receiptOf(job, now);
        expect(receiptSpend(spec).total).toBe(parseMoney(spec.spent));
        expect(parseMoney(spec.spent)).toBe(spendNow(job.status ?? {}, now).total);
        expect(spec.months.map(({ month }) => month)).toEqual([...new Set(spec.months.map(({ month }) => month))]);
      }),
    );
  });

  it('is never less than what was told', () => {
    const cost = { ...hour.obj().status?.cost, spent: '7.00', asOf: time(HOUR), limit: '9.00' };
    const job = hour.status({ cost: cost as Cost }).obj();
    const { spec } = receiptOf(job, later);
    expect(spec.spent).toBe('7.00');
    expect(receiptSpend(spec).total).toBe(parseMoney('7.00'));
  });

  it('counts all that is left of the limit where an attempt was let go that may still run', () => {
    const cost = { spent: '1.00', asOf: time(60), limit: '9.00' } as Cost;
    const job = makeJob(plan)
      .attempt('Running', { createdAt: time(0) })
      .status({ cost })
      .obj();
    const { spec } = receiptOf(job, START + 60_000, 'kriptik-0e5a1c3e-1');
    expect(spec).toMatchObject({ spent: '9.00', abandoned: 'kriptik-0e5a1c3e-1' });
    expect(receiptSpend(spec, '2026-11').total).toBe(parseMoney('9.00'));
  });
});

describe('what other runs took from a budget', () => {
  const [first, second, third] = ['first', 'second', 'third'].map((uid) => named(hour.obj(), uid));
  const gone = makeReceipt(named(hour.obj(), 'gone'), later);
  const foreign = makeJob(makePlan(makeGoal().text('Rhyme.').obj()).approved().obj())
    .attempt('Gone', { createdAt: time(0), goneAt: time(HOUR) })
    .obj();
  const family = familyOf(hour.obj());
  const beside = (jobs: readonly (TrainingJob | undefined)[], receipts: TrainingReceipt[], ...except: string[]) =>
    formatMoney(spentBeside(family, except, { jobs: jobs.filter((job) => job !== undefined), receipts }, later));

  it.each([
    { case: 'nothing where it is the only one', got: beside([first], [], 'first'), want: '0.00' },
    { case: 'what the others spent', got: beside([first, second, third], [], 'first'), want: '13.20' },
    { case: 'what deleted ones spent', got: beside([first], [gone], 'first'), want: '6.60' },
    {
      case: 'a deleted one once while it is still there',
      got: beside([first, named(hour.obj(), 'gone')], [gone], 'first'),
      want: '6.60',
    },
    {
      case: 'nothing of other work of the goal',
      got: beside([first, foreign], [makeReceipt(named(foreign, 'x'), later)], 'first'),
      want: '0.00',
    },
  ])('is $case', ({ got, want }) => {
    expect(got).toBe(want);
  });

  it('knows what deleted jobs alone took', () => {
    const jobs = [first, second].filter((job) => job !== undefined);
    expect(formatMoney(spentByGone(family, { jobs, receipts: [gone] }))).toBe('6.60');
    expect(spentByGone({ ...family, goalUid: 'another' }, { jobs, receipts: [gone] })).toBe(0);
  });
});
