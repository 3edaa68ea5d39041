import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TrainingJob, TrainingJobResource } from '@kriptik/crds';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { refused } from '../support/refused.ts';
import { restorable } from '../support/saved.ts';
import { waitFor } from '../support/wait.ts';
import { sharedCluster } from './cluster.ts';
import { billOf, brokenIn } from './invariants.ts';
import { GOAL, Lane } from './lane.ts';

const HOUR_MS = 3_600_000;
/** Minutes, so that no slow machine freezes a job before its turn. */
const LIMIT = '2';
const RAISED = '5';

/** Mounting takes the superuser, and Linux; elsewhere the kernel says so and the test does not apply. */
const mountable = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/proc/self/mounts');

describe('what people and machines get wrong', () => {
  let cluster: ControlPlane;
  let lane: Lane;
  let count = 0;

  beforeAll(async () => {
    cluster = await sharedCluster();
  });
  afterEach(async () => await lane.stop());
  afterAll(async () => await cluster.stop());

  const job = async (): Promise<TrainingJob> => {
    const [found] = (await lane.look()).jobs;
    if (found === undefined) throw new Error('there is no job');
    return found;
  };
  const keyOf = (of: TrainingJob) => ({ namespace: lane.world.namespace, name: of.metadata.name });
  const saved = (of: TrainingJob): number => of.status?.checkpoints?.at(-1)?.step ?? 0;
  const messageOf = (of: TrainingJob, type: string): string =>
    findCondition(of.status?.conditions, type)?.message ?? '';

  /** A lane whose job has run for a while and has saved something. */
  const running = async (limit = LIMIT, steps = 50_000): Promise<void> => {
    count += 1;
    lane = await Lane.start({ cluster, name: `bad-${count}` });
    lane.startOperator();
    await lane.world.createGoal(GOAL, {
      budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: { maxSteps: steps, checkpointEverySteps: 10 },
    });
    await lane.world.approve(GOAL);
    await waitFor('two checkpoints', async () => {
      const [found] = (await lane.look()).jobs;
      return found !== undefined && saved(found) >= 20 ? true : undefined;
    });
  };
  const scale = async (replicas: number): Promise<unknown> => {
    const found = await job();
    return await lane.world.client.resource(TrainingJobResource).patch(keyOf(found), { spec: { replicas } });
  };
  const resumes = async (from: number): Promise<void> => {
    const next = await waitFor('the next attempt', async () => {
      const found = await job();
      const newest = found.status?.attempts?.at(-1);
      return (found.status?.attempts?.length ?? 0) > 1 && newest?.state === 'Running' ? newest : undefined;
    });
    expect(next.resumedFromStep).toBe(from);
  };

  /** A supervisor says how its trainer ended, and goes a moment later. */
  const nothingRuns = async (): Promise<void> => {
    expect(await lane.world.trainers()).toEqual([]);
    await waitFor('the end of all processes', () => (lane.processes.live.length === 0 ? true : undefined));
  };

  it('two replicas are refused with the reason, and the job runs on as it was', async () => {
    await running();
    await refused(scale(2), 'spec.replicas');
    const path = `/apis/training.kriptik.ai/v1alpha1/namespaces/${lane.world.namespace}/trainingjobs`;
    const body = { spec: { replicas: 2 } };
    const contentType = 'application/merge-patch+json';
    await refused(
      lane.world.client.raw('PATCH', `${path}/${(await job()).metadata.name}/scale`, { body, contentType }),
      'replicas',
    );
    const found = await job();
    expect(found.spec.replicas).toBe(1);
    expect(found.status?.attempts?.map(({ state }) => state)).toEqual(['Running']);
  });

  it('a budget below what is spent freezes the job with its work, and more money goes on from there', async () => {
    await running();
    await lane.world.setBudget(GOAL, '0.000001');
    await lane.world.goalIn(GOAL, 'Frozen');
    const frozen = await job();
    const step = await restorable(frozen);
    expect(step).toBeGreaterThanOrEqual(20);
    expect(messageOf(frozen, 'Frozen')).toContain(`The checkpoint of step ${step} is saved and verified`);
    await nothingRuns();
    expect(Number(frozen.status?.cost?.percentUsed)).toBeGreaterThan(100);
    expect(await brokenIn(lane, await lane.look(), Number(LIMIT))).toEqual([]);
    await lane.world.setBudget(GOAL, RAISED);
    await resumes(step);
  });

  it.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])('an operator whose clock is %s loses no work and spends no more than the limit', async (_how, ms) => {
    await running('0.30');
    await lane.kill();
    lane.startOperator(ms);
    await lane.world.goalIn(GOAL, 'Frozen');
    const frozen = await job();
    const step = await restorable(frozen);
    expect(step).toBeGreaterThanOrEqual(20);
    expect(billOf(lane)).toBeLessThanOrEqual(0.3);
    // What it reports may be too much by the skew, never too little.
    expect(Number(frozen.status?.cost?.spent)).toBeGreaterThanOrEqual(billOf(lane) - 0.002);
    await lane.kill();
    lane.startOperator();
    await lane.world.setBudget(GOAL, '100');
    await resumes(step);
  });

  it('a manifest that was tampered with is not resumed from: the one before it is, and that is said', async () => {
    await running();
    await scale(0);
    await lane.world.goalIn(GOAL, 'Paused');
    const paused = await job();
    const newest = paused.status?.checkpoints?.at(-1);
    const before = paused.status?.checkpoints?.at(-2);
    await lane.kill();
    await appendFile(join(fileURLToPath(newest?.uri ?? ''), 'MANIFEST.json'), ' ');
    lane.startOperator();
    const folder = newest?.uri.split('/').at(-1) ?? 'none';
    await waitFor(`a word about ${folder}`, async () =>
      messageOf(await job(), 'CheckpointVerified').includes(folder) ? true : undefined,
    );
    await scale(1);
    await resumes(before?.step ?? -1);
  });

  it.runIf(mountable)(
    'a store that may not be written to fails the job with its last checkpoint; then it goes on',
    async () => {
      await running();
      const store = dirname(fileURLToPath((await job()).status?.checkpoints?.[0]?.uri ?? ''));
      execFileSync('mount', ['--bind', store, store]);
      try {
        execFileSync('mount', ['-o', 'remount,bind,ro', store]);
        await lane.world.goalIn(GOAL, 'Failed');
        const failed = await job();
        const step = await restorable(failed);
        expect(step).toBeGreaterThanOrEqual(20);
        expect(messageOf(failed, 'Failed')).toContain(store);
        expect(messageOf(failed, 'Failed')).toContain(`kriptik resume ${GOAL}`);
        await nothingRuns();
        execFileSync('mount', ['-o', 'remount,bind,rw', store]);
        await scale(0);
        await scale(1);
        await resumes(step);
      } finally {
        execFileSync('umount', ['--lazy', store]);
      }
    },
  );
});
