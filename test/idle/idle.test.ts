import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuSeconds } from '../support/process-usage.ts';
import { waitFor } from '../support/wait.ts';
import { World } from '../support/world.ts';

const OBJECTS = 100;
const QUIET_MS = 120_000;

/** What {@link workSeconds} took on the machine that the bound was set on. */
const REFERENCE_SECONDS = 0.5;

/** CPU seconds that a fixed piece of work takes this process: a slower machine may need as much more for the same idling. */
function workSeconds(): number {
  const before = process.cpuUsage();
  for (let round = 0; round < 12_000; round++) {
    const items = Array.from({ length: 100 }, (_, n) => ({ name: `goal-${n}`, round, labels: { n: `${n}` } }));
    if ((JSON.parse(JSON.stringify({ items })) as { items: unknown[] }).items.length !== 100)
      throw new Error('lost one');
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

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
    const settled = async (): Promise<true | undefined> => {
      const goals = await Promise.all(Array.from({ length: OBJECTS / 2 }, (_, n) => world.goal(`goal-${n}`)));
      const phases = [...goals, ...(await world.plans())].map(({ status }) => status?.phase);
      return phases.length === OBJECTS && phases.every((phase) => phase === 'AwaitingApproval') ? true : undefined;
    };
    await waitFor('all goals and plans to await approval', settled, { timeoutMs: 120_000, everyMs: 500 });
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
    expect(used * Math.min(1, REFERENCE_SECONDS / workSeconds())).toBeLessThan(0.01);
  }, 600_000);
});
