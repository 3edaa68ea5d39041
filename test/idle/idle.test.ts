import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuSeconds } from '../support/process-usage.ts';
import { waitFor } from '../support/wait.ts';
import { World } from '../support/world.ts';

const OBJECTS = 100;
const QUIET_MS = 120_000;

describe(`an operator with ${OBJECTS} settled objects`, () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(async () => await world.stop());

  it('writes nothing for two minutes and uses under 1 % of a core', async () => {
    const operator = await world.startOperator();
    const data = [{ uri: await world.writeData() }];
    await Promise.all(Array.from({ length: OBJECTS / 2 }, (_, n) => world.createGoal(`goal-${n}`, { data })));
    // Each goal has a plan that awaits approval: two settled objects.
    await waitFor('all plans priced', async () => {
      const plans = await world.plans();
      return plans.length === OBJECTS / 2 && plans.every((plan) => plan.status?.digest !== undefined)
        ? true
        : undefined;
    });
    await waitFor('quiet', async () => {
      const before = (await world.writes()).length;
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      return (await world.writes()).length === before ? true : undefined;
    });
    const writes = await world.writes();
    expect(writes.length).toBeGreaterThanOrEqual(OBJECTS);
    const cpu = await cpuSeconds(operator.pid ?? 0);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    expect((await world.writes()).slice(writes.length)).toEqual([]);
    const used = ((await cpuSeconds(operator.pid ?? 0)) - cpu) / (QUIET_MS / 1000);
    console.log(`idle: ${(used * 100).toFixed(2)} % of a core`);
    expect(used).toBeLessThan(0.01);
  }, 300_000);
});
