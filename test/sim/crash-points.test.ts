import { env } from 'node:process';
import { expect, it } from 'vitest';
import { calm } from './disturbance.ts';
import { prove } from './runs.ts';
import { scenarios } from './scenarios.ts';
import { World } from './world.ts';

// Every write and every call with an effect is a point to die at; without KRIPTIK_SIM_SEEDS one a scenario is taken.
const STRIDE = env['KRIPTIK_SIM_SEEDS'] === undefined ? 90 : 1;

it.each(scenarios.map((scenario, index) => [scenario.name, scenario, index] as const))(
  'a goal that %s survives the death of the operator at its calls',
  { timeout: 3_600_000 },
  async (_name, scenario, index) => {
    const { effects } = await new World(scenario, calm).run();
    expect(effects).toBeGreaterThan(5);
    for (let point = 1 + (index % STRIDE); point <= effects; point += STRIDE) {
      await prove('before', point, scenario);
      await prove('after', point, scenario);
    }
  },
);
