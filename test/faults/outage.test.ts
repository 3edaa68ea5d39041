import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restorable } from '../support/saved.ts';
import { waitFor } from '../support/wait.ts';
import { sharedCluster } from './cluster.ts';
import { billOf, brokenIn } from './invariants.ts';
import { GOAL, Lane, type Seen } from './lane.ts';

/** 40 s: begun before, ended within the outage, on a machine that has much else to do too. */
const LIMIT = 0.44;
const OUTAGE_MS = 60_000;

describe('the API server is gone for a minute, across the limit', () => {
  let cluster: ControlPlane;
  let lane: Lane;

  beforeAll(async () => {
    cluster = await sharedCluster();
    lane = await Lane.start({ cluster, name: 'outage' });
    lane.startOperator();
  });
  afterAll(async () => {
    await lane.stop();
    await cluster.stop();
  });

  const until = async (what: string, look: (seen: Seen) => boolean): Promise<Seen> =>
    await waitFor(what, async () => {
      const seen = await lane.look();
      return look(seen) ? seen : undefined;
    });

  it('the trainer freezes itself in time, and afterwards the job is Frozen with its verified checkpoint', async () => {
    await lane.world.createGoal(GOAL, {
      budget: { limit: String(LIMIT), currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: { maxSteps: 50_000, checkpointEverySteps: 10 },
    });
    await lane.world.approve(GOAL);
    await until('a saved checkpoint', ({ jobs }) => (jobs[0]?.status?.checkpoints?.length ?? 0) > 0);
    lane.proxy.outage(true);
    const gone = performance.now();
    const version = async (): Promise<unknown> => (await lane.look()).jobs[0]?.metadata['resourceVersion'];
    let before = await version();
    const arrived = async (): Promise<true | undefined> => {
      const now = await version();
      const same = now === before;
      before = now;
      return same || undefined;
    };
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await waitFor('what was on its way', arrived, { everyMs: 1_500 });
    await waitFor('the trainer to end by itself', () => (lane.processes.live.length === 0 ? true : undefined));
    expect(billOf(lane)).toBeLessThanOrEqual(LIMIT);
    expect(billOf(lane)).toBeGreaterThan(LIMIT / 2);
    // Nobody could tell: the record is as it was.
    expect(await version()).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, OUTAGE_MS - (performance.now() - gone))));
    expect(lane.alive).toBe(true);
    lane.proxy.outage(false);
    const frozen = await until('the job to be Frozen', ({ goal }) => goal?.status?.phase === 'Frozen');
    const [job] = frozen.jobs;
    if (job === undefined) throw new Error('there is no job');
    const saved = await restorable(job);
    expect(saved).toBeGreaterThan(10);
    expect(job.status?.attempts?.map(({ outcome, lastStep }) => [outcome, lastStep])).toEqual([['Frozen', saved]]);
    expect(findCondition(job.status?.conditions, 'Frozen')?.message).toContain(`step ${saved} is saved and verified`);
    expect(Number(job.status?.cost?.spent)).toBeGreaterThanOrEqual(billOf(lane) - 0.001);
    expect(Number(job.status?.cost?.spent)).toBeLessThanOrEqual(LIMIT);
    await lane.quiet(1_200);
    expect(await brokenIn(lane, await lane.look(), LIMIT)).toEqual([]);
  });

  it('goes on where it was when the money comes', async () => {
    const { jobs } = await lane.look();
    const saved = jobs[0]?.status?.attempts?.[0]?.lastStep;
    await lane.world.setBudget(GOAL, '1');
    const resumed = await until(
      'the second attempt',
      (seen) => seen.jobs[0]?.status?.attempts?.[1]?.state === 'Running',
    );
    expect(resumed.jobs[0]?.status?.attempts?.[1]?.resumedFromStep).toBe(saved);
  });
});
