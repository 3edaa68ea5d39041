import type { TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeJob, makePlan, makeReceipt } from '../../test/support/builders.ts';
import { parseMoney } from '../money.ts';
import { monthRoom } from './month.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const [october, november] = ['2026-10-20T00:00:00Z', '2026-11-02T00:00:00Z'] as const;
let made = 0;

/** A job with a limit of $100; each of its attempts began at a time and ran an hour, or runs since an hour, at a price. */
function job(attempts: readonly (readonly [from: string | undefined, price: string])[], over?: string) {
  const condition = (type: string) => ({
    type,
    status: 'True' as const,
    reason: type,
    message: '',
    lastTransitionTime: november,
  });
  const hour = 3_600_000;
  const built = attempts.reduce((builder, [from, unitPricePerHour]) => {
    const createdAt = from ?? new Date(now - hour).toISOString();
    const goneAt = new Date(Date.parse(createdAt) + hour).toISOString();
    return builder.attempt(from === undefined ? 'Running' : 'Gone', {
      createdAt,
      unitPricePerHour,
      ...(from !== undefined && { goneAt }),
    });
  }, makeJob());
  const object = built
    .status({
      cost: { limit: '100.00', spent: '0.00', asOf: november } as NonNullable<
        NonNullable<TrainingJob['status']>['cost']
      >,
      ...(over !== undefined && { conditions: [condition(over)] }),
    })
    .obj();
  made += 1;
  return { ...object, metadata: { ...object.metadata, name: `job-${made}` } };
}

const limit = parseMoney(makePlan().approved().obj().status?.quote?.limit ?? '0') / 1e6;
const room = (jobs: TrainingJob[], plans: TrainingPlan[] = [], receipts: TrainingReceipt[] = []) => {
  const { spent, reserved, left } = monthRoom({ ceiling: parseMoney('1000.00'), jobs, receipts, plans, now });
  return [spent / 1e6, reserved / 1e6, left / 1e6];
};

describe('a monthly ceiling of $1,000', () => {
  it.each([
    { case: 'is whole without jobs', jobs: [], plans: [], want: [0, 0] },
    {
      case: 'counts what a running job spent and may still spend',
      jobs: [job([[undefined, '30.00']])],
      plans: [],
      want: [33, 67],
    },
    {
      case: 'counts only what a finished job spent',
      jobs: [job([[november, '30.00']], 'Succeeded')],
      plans: [],
      want: [33, 0],
    },
    {
      case: 'counts only what a failed job spent',
      jobs: [job([[november, '30.00']], 'Failed')],
      plans: [],
      want: [33, 0],
    },
    {
      case: 'keeps the promise to a frozen job',
      jobs: [job([[november, '80.00']], 'Frozen')],
      plans: [],
      want: [88, 12],
    },
    {
      case: 'counts a job of last month that may go on with its rest',
      jobs: [job([[october, '40.00']], 'Frozen')],
      plans: [],
      want: [0, 56],
    },
    {
      case: 'forgets a job that ended last month',
      jobs: [job([[october, '36.00']], 'Succeeded')],
      plans: [],
      want: [0, 0],
    },
    {
      case: 'takes off the attempts that ended last month',
      jobs: [
        job(
          [
            [october, '9.00'],
            [november, '30.00'],
          ],
          'Succeeded',
        ),
      ],
      plans: [],
      want: [33, 0],
    },
    {
      case: 'splits an attempt over the turn of the month',
      jobs: [job([['2026-10-31T23:45:00Z', '40.00']], 'Succeeded')],
      plans: [],
      want: [33, 0],
    },
    { case: 'counts a job before its first attempt', jobs: [job([])], plans: [], want: [0, 100] },
    { case: 'counts an approved plan without a job', jobs: [], plans: [makePlan().approved().obj()], want: [0, limit] },
    {
      case: 'does not count a plan that waits or was denied',
      jobs: [],
      plans: [makePlan().priced().obj(), makePlan().decided('Denied').obj()],
      want: [0, 0],
    },
    {
      case: 'counts all of a job whose record was deleted this month',
      jobs: [],
      plans: [
        makePlan()
          .decided('Approved', { at: november })
          .status({ jobRef: { name: 'gone', uid: 'gone' } })
          .obj(),
      ],
      want: [limit, 0],
    },
    {
      case: 'forgets a deleted job of last month',
      jobs: [],
      plans: [
        makePlan()
          .decided('Approved', { at: october })
          .status({ jobRef: { name: 'gone', uid: 'gone' } })
          .obj(),
      ],
      want: [0, 0],
    },
  ])('$case', ({ jobs, plans, want: [spent = 0, reserved = 0] }) => {
    expect(room(jobs, plans)).toEqual([spent, reserved, 1000 - spent - reserved]);
  });

  it('counts what a deleted job spent this month, from its receipt, and not what its plan promised', () => {
    const run = job([
      [october, '9.00'],
      [november, '30.00'],
    ]);
    const receipt = makeReceipt(run, now);
    const plan = makePlan()
      .decided('Approved', { at: november })
      .status({ jobRef: { name: 'gone', uid: run.metadata.uid } })
      .obj();
    expect(run.spec.planRef.uid).toBe(plan.metadata.uid);
    expect(room([], [plan], [receipt])).toEqual([33, 0, 967]);
    expect(room([run], [plan], [receipt])).toEqual(room([run], [plan]));
  });

  it('counts a plan and its job once', () => {
    const plan = makePlan().approved().obj();
    const itsJob = makeJob(plan).obj();
    expect(room([itsJob], [plan])).toEqual(room([itsJob]));
  });

  it('never leaves less than nothing', () => {
    const jobs = Array.from({ length: 11 }, () => job([]));
    expect(room(jobs)).toEqual([0, 1100, 0]);
  });
});
