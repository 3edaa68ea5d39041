import { expect, it } from 'vitest';
import { scheduleOf } from './generate.ts';
import type { Schedule, SimFault } from './schedule.ts';
import { shrink } from './shrink.ts';

const kill = (at: number): SimFault => ({ type: 'kill', at, ms: 100 });

it('leaves only what the failure needs', async () => {
  const schedule: Schedule = { ...scheduleOf(1), faults: [1, 2, 3, 4, 5, 6, 7].map(kill) };
  const needs = ({ faults }: Schedule) => [2, 6].every((at) => faults.some((one) => 'at' in one && one.at === at));
  const small = await shrink(schedule, (candidate) => Promise.resolve(needs(candidate)));
  expect(small.faults).toEqual([kill(2), kill(6)]);
  expect(small.people.flat()).toEqual([]);
  expect(small.providers).toHaveLength(1);
});
