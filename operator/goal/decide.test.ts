import type { Condition } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { contract } from '../../test/integration/crds/valid-plan.ts';
import { makeGoal, makeJob, makePlan, START, time } from '../../test/support/builders.ts';
import { inputHash } from '../intent/hash.ts';
import type { GoalReading } from '../intent/parse.ts';
import { planNameFor } from './current.ts';
import { decideGoal, type GoalObserved } from './decide.ts';

const goal = makeGoal();
const base = {
  inputHash: inputHash(goal.obj().spec),
  parsedBy: { source: 'offline' as const, version: '1' },
  failures: [],
  injection: false,
};
const planned: GoalReading = { ...base, outcome: 'Planned', contract, notes: [] };
const unclear: GoalReading = {
  ...base,
  outcome: 'NeedsClarification',
  questions: [{ field: 'spec.data', question: 'Which data?' }],
};
const refused: GoalReading = { ...base, outcome: 'Refused', reason: 'It imitates a person' };
const plan = makePlan(goal.obj());

const observed = (of: typeof goal = goal, change: Partial<GoalObserved> = {}): GoalObserved => ({
  now: START,
  goal: of.obj(),
  plans: [],
  jobs: [],
  receipts: [],
  prices: { asOf: '2026-11-23', models: [] },
  ...change,
});
const jobWith = (type: string) => {
  const condition: Condition = {
    type,
    status: 'True',
    reason: type,
    message: `it is ${type}`,
    lastTransitionTime: time(0),
  };
  return makeJob(plan.approved().obj())
    .status({ conditions: [condition] })
    .obj();
};
const withPlan = (made: typeof plan, jobs: GoalObserved['jobs'] = []) => observed(goal, { plans: [made.obj()], jobs });

describe('a goal', () => {
  const answered = goal.status({
    intent: { inputHash: base.inputHash, outcome: 'Refused', source: 'offline', reason: 'no' },
  });
  it.each([
    { case: 'is read first', observed: observed(), want: ['Planning', 'ReadGoal'] },
    {
      case: 'once read becomes a plan',
      observed: observed(goal, { reading: planned }),
      want: ['Planning', 'CreatePlan'],
    },
    { case: 'unclear asks', observed: observed(goal, { reading: unclear }), want: ['NeedsClarification', undefined] },
    { case: 'disallowed is refused', observed: observed(goal, { reading: refused }), want: ['Refused', undefined] },
    { case: 'refused is not read again', observed: observed(answered), want: ['Refused', undefined] },
    {
      case: 'refused and edited is read again',
      observed: observed(answered.text('Rhyme.')),
      want: ['Planning', 'ReadGoal'],
    },
    {
      case: 'whose plan was lost is read again',
      observed: observed(goal.status({ intent: { inputHash: base.inputHash, outcome: 'Planned', source: 'offline' } })),
      want: ['Planning', 'ReadGoal'],
    },
    { case: 'waits for the price', observed: withPlan(plan), want: ['Planning', undefined] },
    { case: 'waits for approval', observed: withPlan(plan.priced()), want: ['AwaitingApproval', undefined] },
    { case: 'was denied', observed: withPlan(plan.decided('Denied')), want: ['Denied', undefined] },
    {
      case: 'denied and edited is read again',
      observed: observed(goal.text('Rhyme.'), { plans: [plan.decided('Denied').obj()] }),
      want: ['Planning', 'ReadGoal'],
    },
    { case: 'was approved', observed: withPlan(plan.approved()), want: ['Training', undefined] },
    { case: 'trains', observed: withPlan(plan.approved(), [jobWith('Running')]), want: ['Training', undefined] },
    { case: 'is frozen', observed: withPlan(plan.approved(), [jobWith('Frozen')]), want: ['Frozen', undefined] },
    { case: 'is paused', observed: withPlan(plan.approved(), [jobWith('Paused')]), want: ['Paused', undefined] },
    { case: 'failed', observed: withPlan(plan.approved(), [jobWith('Failed')]), want: ['Failed', undefined] },
    { case: 'succeeded', observed: withPlan(plan.approved(), [jobWith('Succeeded')]), want: ['Succeeded', undefined] },
    {
      case: 'raised while it runs keeps its plan',
      observed: observed(goal.limit('9.00'), { plans: [plan.approved().obj()] }),
      want: ['Training', undefined],
    },
    {
      case: 'raised before approval is planned anew',
      observed: observed(goal.limit('9.00'), { plans: [plan.priced().obj()] }),
      want: ['Planning', 'ReadGoal'],
    },
  ])('$case', ({ observed: seen, want }) => {
    const { status, action } = decideGoal(seen);
    expect([status.phase, action?.type]).toEqual(want);
  });

  it('gives the same input the same plan', () => {
    expect(planNameFor(goal.obj())).toBe(planNameFor(goal.meta({ generation: 7 }).obj()));
    expect(planNameFor(goal.obj())).not.toBe(planNameFor(goal.meta({ uid: 'uid-later' }).obj()));
  });

  it('notes on its plan what its budget field said', () => {
    const { action } = decideGoal(observed(goal, { reading: planned }));
    if (action?.type !== 'CreatePlan') throw new Error('a plan is created');
    expect(action.plan.metadata.annotations).toEqual({ 'training.kriptik.ai/stated-limit': '5.00' });
  });

  it('says what to answer', () => {
    const { status } = decideGoal(observed(goal, { reading: unclear }));
    expect(status.conditions?.[0]?.message).toBe('Please answer by editing the goal. spec.data: Which data?');
    expect(status.intent?.questions).toEqual([{ field: 'spec.data', question: 'Which data?' }]);
  });

  it('shows the limit of its text, not the higher field', () => {
    const { status } = decideGoal(withPlan(plan.budget('2.00', 'text')));
    expect(status.budget).toEqual({ limit: '2.00', source: 'text' });
  });

  it.each([
    ['NeedsClarification', observed(goal, { reading: unclear })],
    ['AwaitingApproval', withPlan(plan.priced())],
    ['Denied', withPlan(plan.decided('Denied'))],
    ['Frozen', withPlan(plan.approved(), [jobWith('Frozen')])],
    ['Succeeded', withPlan(plan.approved(), [jobWith('Succeeded')])],
  ])('at rest, %s, decides the same again', (_phase, seen) => {
    const first = decideGoal(seen);
    const { reading: _read, ...rest } = seen;
    const again = decideGoal({ ...rest, now: seen.now + 60_000, goal: { ...seen.goal, status: first.status } });
    expect(again).toEqual({ status: first.status });
  });
});
