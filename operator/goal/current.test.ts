import { describe, expect, it } from 'vitest';
import { quote } from '../../test/integration/crds/valid-plan.ts';
import { makeAmendment, makeGoal, makePlan } from '../../test/support/builders.ts';
import { parseMoney } from '../money.ts';
import { currentPlan, earlierRuns, effectiveBudget, planNameFor } from './current.ts';

describe('the plan that stands for a goal', () => {
  const goal = makeGoal().obj();
  const approved = makePlan(goal).approved().obj();

  it.each([
    { case: 'the plan of the goal as written', goal: makeGoal(), plans: [makePlan(goal).obj()], want: approved },
    { case: 'an approved one after a raise', goal: makeGoal().limit('9.00'), plans: [approved], want: approved },
    { case: 'an approved one after a cut', goal: makeGoal().limit('1.00'), plans: [approved], want: approved },
    {
      case: 'none after a raise, while nothing was approved',
      goal: makeGoal().limit('9.00'),
      plans: [makePlan(goal).priced().obj()],
      want: undefined,
    },
    { case: 'none once the text changed', goal: makeGoal().text('Rhyme.'), plans: [approved], want: undefined },
    {
      case: 'none that is being deleted',
      goal: makeGoal(),
      plans: [makePlan(goal).approved().deleted().obj()],
      want: undefined,
    },
    {
      case: 'none of an earlier goal of that name',
      goal: makeGoal().meta({ uid: 'uid-later' }),
      plans: [approved],
      want: undefined,
    },
  ])('is $case', ({ goal: written, plans, want }) => {
    expect(currentPlan(written.obj(), plans)?.metadata.name).toBe(want?.metadata.name);
  });
});

describe('the budget in force', () => {
  const spec = makePlan(makeGoal().obj()).obj();
  const text = makePlan(makeGoal().obj()).budget('2.00', 'text').obj();
  const agreed = (plan = spec, limit = plan.spec.contract.budget.limit) => ({
    planName: planNameFor(makeGoal().obj()),
    contract: plan.spec.contract,
    quote: { ...quote, limit },
    statedLimit: '5.00',
  });

  it.each([
    { case: 'the approved one while nothing was edited', goal: makeGoal(), agreed: agreed(), want: '5.00' },
    { case: 'a raise', goal: makeGoal().limit('9.00'), agreed: agreed(), want: '9.00' },
    { case: 'a cut', goal: makeGoal().limit('1.50'), agreed: agreed(), want: '1.50' },
    { case: 'the lower one of the text', goal: makeGoal(), agreed: agreed(text), want: '2.00' },
    {
      case: 'that of the text when other text is edited',
      goal: makeGoal().text('x'),
      agreed: agreed(text),
      want: '2.00',
    },
    {
      case: 'that of the text when the field is cut to more',
      goal: makeGoal().limit('4.99'),
      agreed: agreed(text),
      want: '2.00',
    },
    { case: 'a field cut below the text', goal: makeGoal().limit('1.00'), agreed: agreed(text), want: '1.00' },
    { case: 'a field raised over a text', goal: makeGoal().limit('6.00'), agreed: agreed(text), want: '6.00' },
    { case: 'the ceiling of a policy', goal: makeGoal(), agreed: agreed(spec, '3.00'), want: '3.00' },
    {
      case: 'the ceiling when the field is cut to more',
      goal: makeGoal().limit('4.00'),
      agreed: agreed(spec, '3.00'),
      want: '3.00',
    },
  ])('is $case', ({ goal, agreed: known, want }) => {
    expect(effectiveBudget(goal.obj(), known).limit).toBe(want);
  });

  it('takes the lines of alert and warning from the edited field', () => {
    const goal = makeGoal()
      .spec({ budget: { limit: '9.00', currency: 'USD', alertAt: 50, warnAt: 60 } })
      .obj();
    expect(effectiveBudget(goal, agreed())).toMatchObject({ alertAt: 50, warnAt: 60 });
  });
});

describe('an amendment', () => {
  const goal = makeGoal().obj();
  const base = makePlan(goal).approved().obj();
  const amendment = makeAmendment(base);
  const approved = amendment.approved();
  const condition = (type: string) => [
    { type, status: 'True' as const, reason: type, message: '', lastTransitionTime: '2026-11-22T10:00:00Z' },
  ];

  it.each([
    { case: 'undecided', plan: amendment.priced(), stands: false },
    { case: 'approved, but not found good by the operator yet', plan: approved, stands: false },
    { case: 'approved and found good', plan: approved.status({ conditions: condition('Approved') }), stands: true },
    { case: 'with its job', plan: approved.status({ jobRef: { name: 'a', uid: 'a' } }), stands: true },
    { case: 'withdrawn', plan: approved.status({ conditions: condition('Withdrawn') }), stands: false },
    { case: 'denied', plan: amendment.decided('Denied'), stands: false },
  ])('that is $case: in the place of its plan $stands', ({ plan, stands }) => {
    const wanted = stands ? plan.obj() : base;
    expect(currentPlan(goal, [base, plan.obj()])?.metadata.name).toBe(wanted.metadata.name);
    expect(currentPlan(goal, [plan.obj(), base])?.metadata.name).toBe(wanted.metadata.name);
  });

  it('gives way to an amendment of its own', () => {
    const first = approved.status({ jobRef: { name: 'a', uid: 'a' } }).obj();
    const second = makeAmendment(first)
      .approved()
      .status({ jobRef: { name: 'b', uid: 'b' } });
    const last = second.meta({ name: 'faq-11112222', uid: 'uid-second' }).obj();
    expect(currentPlan(goal, [base, first, last])?.metadata.name).toBe('faq-11112222');
    expect(currentPlan(goal, [last, first, base])?.metadata.name).toBe('faq-11112222');
  });

  it('does not outlast a change of the goal', () => {
    const edited = makeGoal().text('Rhyme.').obj();
    const standing = approved.status({ conditions: condition('Approved') }).obj();
    expect(currentPlan(edited, [base, standing])).toBeUndefined();
    expect(currentPlan(edited, [base, standing, makePlan(edited).obj()])?.metadata.name).toBe(planNameFor(edited));
  });

  // $2 were spent of $5 when it was proposed, so that $3 were left.
  it.each([
    { case: 'what was left', goal: makeGoal(), spent: '2.00', want: '3.00' },
    { case: 'less what was spent meanwhile', goal: makeGoal(), spent: '2.40', want: '2.60' },
    { case: 'nothing once all is spent', goal: makeGoal(), spent: '5.01', want: '0.00' },
    { case: 'a raise, less what was spent in all', goal: makeGoal().limit('9.00'), spent: '2.40', want: '6.60' },
    { case: 'a cut, less what was spent in all', goal: makeGoal().limit('4.00'), spent: '2.40', want: '1.60' },
    { case: 'no less for a cut below what was spent', goal: makeGoal().limit('1.00'), spent: '2.40', want: '0.00' },
    { case: 'never more than approved by itself', goal: makeGoal(), spent: '1.00', want: '3.00' },
  ])('may spend $case', ({ goal: written, spent, want }) => {
    const { metadata, spec: made } = amendment.obj();
    const { limit } = effectiveBudget(written.obj(), {
      planName: metadata.name,
      contract: made.contract,
      quote: { ...quote, limit: '3.00' },
      statedLimit: '5.00',
      earlier: { agreed: parseMoney('2.00'), spent: parseMoney(spent) },
    });
    expect(limit).toBe(want);
  });
});

describe('runs before', () => {
  const told = { job: { name: 'a', uid: 'a' }, agreed: '2.00', spent: '2.40' };
  const usd = parseMoney;

  it.each([
    { case: 'are none', continues: undefined, others: '0', want: undefined },
    { case: 'were deleted', continues: undefined, others: '1.50', want: { agreed: usd('0'), spent: usd('1.50') } },
    { case: 'were amended', continues: told, others: '0', want: { agreed: usd('2.00'), spent: usd('2.40') } },
    { case: 'are counted once', continues: told, others: '2.40', want: { agreed: usd('2.00'), spent: usd('2.40') } },
    { case: 'spent more since', continues: told, others: '3.00', want: { agreed: usd('2.00'), spent: usd('3.00') } },
  ])('that $case', ({ continues, others, want }) => {
    expect(earlierRuns(continues, usd(others))).toEqual(want);
  });

  // $1.50 of $5 were spent by a run that was deleted; the plan was approved with the rest.
  it.each([
    { case: 'leave the rest', goal: makeGoal(), want: '3.50' },
    { case: 'are taken from a raise', goal: makeGoal().limit('9.00'), want: '7.50' },
    { case: 'are taken from a cut', goal: makeGoal().limit('4.00'), want: '2.50' },
  ])('that were deleted $case', ({ goal, want }) => {
    const { metadata, spec } = makePlan().obj();
    const { limit } = effectiveBudget(goal.obj(), {
      planName: metadata.name,
      contract: spec.contract,
      quote: { ...quote, limit: '3.50' },
      statedLimit: '5.00',
      earlier: earlierRuns(undefined, usd('1.50')),
    });
    expect(limit).toBe(want);
  });
});
