import { expect, it } from 'vitest';
import { scheduleOf } from './generate.ts';
import { scenarios } from './scenarios.ts';
import { World } from './world.ts';

it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('a goal that %s', async (_name, scenario) => {
  expect((await new World(scenario).run()).broken).toEqual([]);
});

it('a run is the same every time', async () => {
  const run = async (seed: number) => (await new World(scheduleOf(seed), { story: true }).run()).story;
  for (const seed of [4, 5, 6]) expect(await run(seed)).toEqual(await run(seed));
});
