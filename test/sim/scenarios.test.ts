import { expect, it } from 'vitest';
import { calm } from './disturbance.ts';
import { chosenRun, prove } from './runs.ts';
import { scenarios } from './scenarios.ts';
import { World } from './world.ts';

const chosen = chosenRun();

if (chosen !== undefined) {
  it('the run that was asked for', async () => {
    await prove(chosen.family, chosen.number, chosen.scenario);
  });
}

it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('a goal that %s', async (_name, scenario) => {
  const report = await new World(scenario, calm).run();
  expect(report.broken).toEqual([]);
  expect(report.end).toBe(scenario.end);
});

it('a run is the same every time', async () => {
  const [first, second] = [await prove('operator', 4), await prove('operator', 4)];
  expect(second.story).toEqual(first.story);
});
