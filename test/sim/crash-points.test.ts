import { env } from 'node:process';
import { expect, it } from 'vitest';
import { scenarios } from './scenarios.ts';
import { World } from './world.ts';

// Every write and every call with an effect is a point to die at; without KRIPTIK_SIM_SEEDS a few a scenario are taken.
const STRIDE = env['KRIPTIK_SIM_SEEDS'] === undefined ? 20 : 1;

it.each(scenarios.map((scenario, index) => [scenario.name, scenario, index] as const))(
  'a goal that %s survives the death of the operator at its calls',
  { timeout: 3_600_000 },
  async (_name, scenario, index) => {
    const { effects } = await new World(scenario).run();
    expect(effects).toBeGreaterThan(5);
    for (let nth = 1 + (index % STRIDE); nth <= effects; nth += STRIDE) {
      for (const how of ['dieBefore', 'dieAfter'] as const) {
        const faults = [{ type: 'call', how, effect: true, nth, ms: 1_000 } as const];
        const { broken } = await new World({ ...scenario, faults }).run();
        expect(broken, `${how} at call ${nth}`).toEqual([]);
      }
    }
  },
);
