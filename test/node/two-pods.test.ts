import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeUnavailableHere } from '../support/node.ts';
import { killAll, NodeWorld, STEPS } from './world.ts';

const unavailable = nodeUnavailableHere();
if (unavailable !== undefined) console.warn(`no pods can be run here, so none are tested: ${unavailable}`);

describe.skipIf(unavailable !== undefined)('a job in two pods of a real node', () => {
  let cluster: NodeWorld;
  let calm: Map<string, string>;

  beforeAll(async () => {
    cluster = await NodeWorld.start();
    await cluster.world.startOperator();
  }, 600_000);
  afterAll(async () => await cluster?.stop(), 120_000);

  it('trains to the end together, each pod found by its name', async () => {
    await cluster.launch('calm', { pods: 2 });
    await cluster.past('calm', 1);
    expect(await cluster.pods('calm')).toHaveLength(2);
    calm = await cluster.weights('calm');
    expect((await cluster.job('calm')).status?.progress?.step).toBe(STEPS);
    await cluster.noPods('calm');
  });

  it('freezes both pods at the same step, and goes on with the same weights once the limit is raised', async () => {
    await cluster.launch('raised', { pods: 2 });
    await cluster.past('raised', 12);
    const limit = await cluster.limitIn('raised', 8);
    const frozen = await cluster.inPhase('raised', 'Frozen');
    expect(await cluster.pods('raised')).toEqual([]);
    expect(Number(frozen.status?.cost?.spent)).toBeLessThanOrEqual(limit);
    const saved = frozen.status?.checkpoints?.at(-1);
    if (saved?.verifiedAt === undefined) throw new Error('the newest checkpoint is not verified');
    await cluster.readBack(saved);

    await cluster.world.setBudget('raised', '5.00');
    expect(await cluster.weights('raised')).toEqual(calm);
    expect((await cluster.job('raised')).status?.attempts?.at(-1)?.resumedFromStep).toBe(saved.step);
  });

  it('ends both and goes on from the last checkpoint when one of them is killed with -9', async () => {
    await cluster.launch('killed', { pods: 2 });
    await cluster.past('killed', 22);
    const pods = await cluster.pods('killed');
    const second = pods.find(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-completion-index'] === '1');
    if (second === undefined) throw new Error('the second pod does not run');
    killAll(await cluster.processesOf(second));
    expect(await cluster.weights('killed')).toEqual(calm);
    expect((await cluster.job('killed')).status?.attempts?.length).toBeGreaterThanOrEqual(2);
  });
});
