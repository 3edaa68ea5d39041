import type { TrainingJob } from '@kriptik/crds';
import { expect, it } from 'vitest';
import { makeGoal, makeJob, makePlan } from '../../test/support/builders.ts';
import { Store } from '../runtime/store.ts';
import { busyBeside, byLive, LIVE_INDEX } from './busy.ts';

const plan = (goal: string) => makePlan(makeGoal(goal).obj()).approved().obj();
const running = makeJob(plan('one')).attempt('Running').obj();
const ending = makeJob(plan('two')).attempt('Stopping').obj();
const over = makeJob(plan('three')).attempt('Gone').obj();
const fresh = makeJob(plan('four')).obj();
const provider = running.status?.attempts?.[0]?.provider ?? '';

function cacheOf(...jobs: readonly TrainingJob[]): Store<TrainingJob> {
  const store = new Store<TrainingJob>({ [LIVE_INDEX]: byLive });
  store.replaceAll(jobs);
  return store;
}

it.each([
  { case: 'those that run or end, and not itself', job: running, on: provider, busy: 1 },
  { case: 'all of them for one that does not run', job: fresh, on: provider, busy: 2 },
  { case: 'those of any provider where none is named', job: fresh, on: undefined, busy: 2 },
  { case: 'none on another provider', job: fresh, on: 'elsewhere', busy: 0 },
])('counts $case', ({ job, on, busy }) => {
  expect(busyBeside(cacheOf(running, ending, over, fresh), job, on)).toBe(busy);
});

it('counts none twice whose start the cache has not heard of', () => {
  const known = makeJob(plan('one')).obj();
  expect(busyBeside(cacheOf(known, ending), running, provider)).toBe(1);
});
