import type { Attempt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { quote, resolved, tiles } from '../../test/integration/crds/valid-plan.ts';
import { makeGoal, makeJob, makePlan, makeReceipt, START, time } from '../../test/support/builders.ts';
import { parseMoney } from '../money.ts';
import { noPolicy } from '../planner/policy.ts';
import type { EffectivePolicy, PlanResult } from '../planner/types.ts';
import { decidePlan } from './decide.ts';
import type { PlanDecision, PlanObserved } from './types.ts';

const goal = makeGoal().obj();
const proposal: PlanResult = { resolved, quote, tiles, warnings: [], why: [], changes: [] };
const blocked: PlanResult = { blocked: { reason: 'NoProvider', message: 'No provider', remedy: 'Add one.' } };
const other = makePlan(makeGoal().text('Rhyme.').obj());

const observed = (plan: ReturnType<typeof makePlan>, change: Partial<PlanObserved> = {}): PlanObserved => ({
  now: START,
  plan: plan.obj(),
  goal,
  plans: [plan.obj()],
  job: undefined,
  records: { jobs: [], receipts: [] },
  proposal,
  policy: noPolicy,
  operatorUser: 'operator',
  ...change,
});
const auto = (below: string): EffectivePolicy => ({
  ...noPolicy,
  names: ['small'],
  approval: { ...noPolicy.approval, autoApproveBelow: parseMoney(below) },
});

const messageOf = ({ conditions }: PlanDecision['status']): string =>
  conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

describe('a plan of a goal whose run was deleted', () => {
  const ran = makeJob(makePlan().approved().obj()).attempt('Gone', { createdAt: time(-7_200), goneAt: time(-3_600) });
  const deleted = (hours: number) =>
    makeReceipt(
      ran
        .status({ attempts: [{ ...ran.obj().status?.attempts?.[0], unitPricePerHour: `${hours}.00` } as Attempt] })
        .obj(),
      START,
    );
  const records = (price: number) => ({ jobs: [], receipts: [deleted(price)] });

  it('says what is gone of the budget', () => {
    const { status } = decidePlan(observed(makePlan(), { records: records(1) }));
    expect(status.phase).toBe('AwaitingApproval');
    expect(messageOf(status)).toContain('Runs of this goal before spent $1.10 of its budget of $5.00');
  });

  it('is blocked where nothing is left, and says what to do', () => {
    const { status, action } = decidePlan(observed(makePlan(), { records: records(6) }));
    expect([status.phase, status.digest, action]).toEqual(['Blocked', undefined, undefined]);
    expect(messageOf(status)).toContain('spent $6.60, and its budget is $5.00. Raise spec.budget.limit');
  });

  it('has no price while that run still ends', () => {
    const records = { jobs: [ran.attempt('Running').deleted().obj()], receipts: [] };
    const { status } = decidePlan(observed(makePlan(), { records }));
    expect([status.phase, status.digest]).toEqual(['Pricing', undefined]);
    expect(messageOf(status)).toMatch(/^Job \S+ of this goal still ends/);
  });

  it('is approved by a policy only where both runs together stay below its line', () => {
    const limit = Number(quote.limit);
    const decided = (below: number) =>
      decidePlan(observed(makePlan(), { records: records(1), policy: auto(below.toFixed(2)) })).status.approval;
    expect(decided(limit + 1)).toBeUndefined();
    expect(decided(limit + 1.2)?.via).toBe('policy');
  });
});

describe('a plan', () => {
  const rhyme = makeGoal().text('Rhyme.').obj();
  const newer = [other.obj()];
  it.each([
    { case: 'is priced and waits', observed: observed(makePlan()), want: ['AwaitingApproval', undefined] },
    {
      case: 'waits for its price',
      observed: observed(makePlan(), { proposal: undefined }),
      want: ['Pricing', undefined],
    },
    {
      case: 'is blocked with the remedy',
      observed: observed(makePlan(), { proposal: blocked }),
      want: ['Blocked', undefined],
    },
    { case: 'once approved gets its job', observed: observed(makePlan().approved()), want: ['Approved', 'CreateJob'] },
    {
      case: 'with its job rests',
      observed: observed(makePlan().approved(), { job: makeJob().obj() }),
      want: ['Approved', undefined],
    },
    { case: 'denied rests', observed: observed(makePlan().decided('Denied')), want: ['Denied', undefined] },
    {
      case: 'of an older goal gives way',
      observed: observed(makePlan(), { goal: rhyme, plans: [makePlan().obj(), ...newer] }),
      want: ['Superseded', undefined],
    },
    {
      case: 'approved too late gives way',
      observed: observed(makePlan().approved(), { goal: rhyme, plans: [makePlan().approved().obj(), ...newer] }),
      want: ['Superseded', undefined],
    },
    {
      case: 'denied while the goal changed stays denied',
      observed: observed(makePlan().decided('Denied'), { goal: rhyme, plans: newer }),
      want: ['Denied', undefined],
    },
    {
      case: 'approved for another digest gets no job',
      observed: observed(makePlan().decided('Approved', { digest: `sha256:${'0'.repeat(64)}` })),
      want: ['Blocked', undefined],
    },
    {
      case: 'whose price was changed after approval gets no job',
      observed: observed(
        makePlan()
          .approved()
          .status({ quote: { ...quote, unitPricePerHour: '0.01' } }),
      ),
      want: ['Blocked', undefined],
    },
    {
      case: 'approved beside another waits for room in the month',
      observed: observed(makePlan().approved(), { monthlyRemaining: parseMoney('4.99') }),
      want: ['Blocked', undefined],
    },
    {
      case: 'approved with just enough left in the month gets its job',
      observed: observed(makePlan().approved(), { monthlyRemaining: parseMoney('5.00') }),
      want: ['Approved', 'CreateJob'],
    },
    {
      case: 'whose job runs already is not stopped by the month',
      observed: observed(makePlan().approved(), { job: makeJob().obj(), monthlyRemaining: parseMoney('0') }),
      want: ['Approved', undefined],
    },
    {
      case: 'small enough is approved by policy',
      observed: observed(makePlan(), { policy: auto('5.00') }),
      want: ['Approved', undefined],
    },
    {
      case: 'expected to be small but with a higher limit is not',
      observed: observed(makePlan(), { policy: auto('4.99') }),
      want: ['AwaitingApproval', undefined],
    },
  ])('$case', ({ observed: seen, want }) => {
    const { status, action } = decidePlan(seen);
    expect([status.phase, action?.type]).toEqual(want);
  });

  it('that is priced anew before approval gets another digest', () => {
    const dearer = { ...proposal, quote: { ...quote, unitPricePerHour: '7.00' } };
    const first = decidePlan(observed(makePlan())).status;
    const second = decidePlan(observed(makePlan().status(first), { proposal: dearer })).status;
    expect(second.digest).not.toBe(first.digest);
  });

  it('tells what was selected and what that moved, until nothing is selected', () => {
    const change = { tile: 'GPU' as const, what: 'GPUs', before: 'A', after: 'B' };
    const chosen = decidePlan(observed(makePlan(), { proposal: { ...proposal, changes: [change] } })).status;
    expect(chosen.changes).toEqual([change]);
    expect(decidePlan(observed(makePlan().status(chosen))).status).not.toHaveProperty('changes');
  });

  it('says when its price is old, and the digest stays the same', () => {
    const stalePrice = { asOf: '2026-07-01', message: 'The price was read on 2026-07-01.' };
    const fresh = decidePlan(observed(makePlan())).status;
    const stale = decidePlan(observed(makePlan().status(fresh), { proposal: { ...proposal, stalePrice } })).status;
    const told = (status: typeof fresh) => status.conditions?.find(({ type }) => type === 'PriceFresh');
    expect([told(fresh)?.status, told(stale)?.status]).toEqual(['True', 'False']);
    expect(told(stale)).toMatchObject({ reason: 'StalePrice', message: stalePrice.message });
    expect(stale.digest).toBe(fresh.digest);
  });

  it('that can no longer be priced loses its digest, so that it cannot be approved', () => {
    const first = decidePlan(observed(makePlan())).status;
    const second = decidePlan(observed(makePlan().status(first), { proposal: blocked })).status;
    expect(second).not.toHaveProperty('digest');
    expect(second.conditions?.find((one) => one.type === 'Priced')).toMatchObject({
      status: 'False',
      reason: 'NoProvider',
    });
  });

  it('may be refused by the user a policy names', () => {
    const tiles = [{ names: ['Budget' as const], groups: [], users: ['bob'] }];
    const policy = { ...noPolicy, approval: { ...noPolicy.approval, tiles } };
    expect(decidePlan(observed(makePlan().approved(), { policy })).status.phase).toBe('Blocked');
    expect(decidePlan(observed(makePlan().decided('Approved', { user: 'bob' }), { policy })).status.phase).toBe(
      'Approved',
    );
  });

  it('takes no job for its own that a plan of the same name left', () => {
    const plan = makePlan().meta({ uid: 'anew' }).approved();
    const { status, action } = decidePlan(observed(plan, { job: makeJob(makePlan().approved().obj()).obj() }));
    expect(status.jobRef).toBeUndefined();
    expect(action?.type).toBe('CreateJob');
  });

  it('makes no second job of one approval, whose ledger would begin at nothing', () => {
    const jobRef = { name: 'first', uid: 'first' };
    const plan = makePlan().approved().status({ jobRef });
    const decision = decidePlan(observed(plan));
    expect(decision.action).toBeUndefined();
    expect(decision.status.phase).toBe('Blocked');
    expect(decision.status.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('for a new plan');
    expect(decidePlan(observed(plan, { job: makeJob().obj() })).status.jobRef).toEqual(jobRef);
  });

  it('makes a job that carries exactly what was approved', () => {
    const plan = makePlan().approved().obj();
    const { action } = decidePlan(observed(makePlan().approved()));
    expect(action?.type === 'CreateJob' && action.job.spec).toEqual({
      goalRef: plan.spec.goalRef,
      planRef: { name: plan.metadata.name, uid: plan.metadata.uid, digest: plan.status?.digest },
      run: { contract: plan.spec.contract, resolved, quote },
      replicas: 1,
    });
  });

  it.each([
    ['waiting', observed(makePlan())],
    ['blocked', observed(makePlan(), { proposal: blocked })],
    ['approved', observed(makePlan().approved(), { job: makeJob().obj() })],
    ['denied', observed(makePlan().decided('Denied'))],
    ['superseded', observed(makePlan(), { goal: rhyme, plans: newer })],
  ])('at rest, %s, decides the same again', (_state, seen) => {
    const first = decidePlan(seen);
    const again = decidePlan({ ...seen, now: seen.now + 60_000, plan: { ...seen.plan, status: first.status } });
    expect(again).toEqual({ status: first.status });
  });
});
