import type { Parsing } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { quote, resolved, tiles } from '../../test/integration/crds/valid-plan.ts';
import { makeGoal, makePlan, START } from '../../test/support/builders.ts';
import { inputHash } from '../intent/hash.ts';
import { noPolicy } from '../planner/policy.ts';
import { findCondition } from '../runtime/conditions.ts';
import { decidePlan } from './decide.ts';
import type { PlanObserved } from './types.ts';

const parsing: Parsing = {
  model: 'claude-opus-4-5',
  calls: 1,
  inputTokens: 2_300,
  outputTokens: 400,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cost: '0.0215',
  priceAsOf: '2026-11-23',
  at: new Date(START).toISOString(),
};
const readGoal = (goal = makeGoal()) =>
  goal
    .status({ intent: { inputHash: inputHash(goal.obj().spec), outcome: 'Planned', source: 'claude', parsing } })
    .obj();

const decide = (change: Partial<PlanObserved> = {}) => {
  const plan = makePlan().obj();
  const proposal = { resolved, quote, tiles, warnings: [], why: [], changes: [] };
  const observed = { now: START, plan, goal: readGoal(), plans: [plan], job: undefined, proposal, policy: noPolicy };
  const records = { jobs: [], receipts: [] };
  return decidePlan({ ...observed, records, operatorUser: 'operator', ...change }).status;
};

describe('a plan tells', () => {
  it('what reading its goal took, outside its price and digest', () => {
    const told = decide();
    expect(told.parsing).toEqual(parsing);
    expect(told.digest).toBe(decide({ goal: makeGoal().obj() }).digest);
    expect(told.quote).toEqual(quote);
  });

  it('nothing of the reading of a goal that was changed since', () => {
    expect(decide({ goal: readGoal(makeGoal().limit('9.00')) }).parsing).toBeUndefined();
  });

  it('the same once its goal was changed', () => {
    const plan = { ...makePlan().obj(), status: decide() };
    expect(decide({ plan, plans: [plan], goal: readGoal(makeGoal().limit('9.00')) }).parsing).toEqual(parsing);
  });

  it.each([
    [{ verified: true, reason: 'Verified', message: '' }, 'True'],
    [{ verified: false, reason: 'Unreachable', message: 'Not verified today: no route.' }, 'False'],
  ])('whether its facts are those of today: %o', (facts, status) => {
    const { reason, message } = facts;
    expect(findCondition(decide({ facts }).conditions, 'FactsVerified')).toMatchObject({ status, reason, message });
  });

  it('what it told before while nobody looks', () => {
    const facts = { verified: true, reason: 'Verified', message: '' };
    const plan = { ...makePlan().obj(), status: decide({ facts }) };
    const later = decide({ plan, plans: [plan], now: START + 60_000 });
    expect(later).toEqual(plan.status);
  });
});
