import { expect, it } from 'vitest';
import { makeGoal, makePlan } from '../../test/support/builders.ts';
import { Store } from '../runtime/store.ts';
import { byGoal, GOAL_INDEX, ofGoal } from './of-goal.ts';

it('finds what belongs to a goal, and nothing of another one or of another namespace', () => {
  const goal = makeGoal('faq').obj();
  const own = makePlan(goal).obj();
  const other = makePlan(makeGoal('song').obj()).obj();
  const foreign = { ...own, metadata: { ...own.metadata, namespace: 'elsewhere', uid: 'uid-foreign' } };
  const plans = new Store({ [GOAL_INDEX]: byGoal });
  plans.replaceAll([own, other, foreign]);
  expect(ofGoal(plans as never, goal.metadata.namespace, goal.metadata.uid)).toEqual([own]);
});
