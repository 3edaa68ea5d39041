import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ComputeProviderResource, type TrainingJob } from '@kriptik/crds';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { openStore } from '@kriptik/operator/store/open.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';
import { usePlace } from './program.ts';

/** Room that a provider asks for, and a little more. Nothing is taken until it is written to. */
const LARGE = '3g';

/** Mounting takes the superuser, and Linux; where it is not to be had the kernel says so and the tests do not apply. */
const mountable = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/proc/self/mounts');

const place = usePlace();
let world: World;

const mount = (...options: string[]): void => void execFileSync('mount', [...options, world.workDir]);
const resize = (size: string): void => mount('-o', `remount,size=${size}`);

/** Leaves no more room than what is in use. Something must be: a size of nothing would mean no limit. */
async function fill(): Promise<void> {
  await writeFile(join(world.workDir, 'filler'), Buffer.alloc(4096));
  const { blocks, bfree, bsize } = await statfs(world.workDir);
  resize(String((blocks - bfree) * bsize));
}

/** Has the operator look at the provider now: by itself it does so once a minute. */
async function look(order: number): Promise<void> {
  await world.client.resource(ComputeProviderResource).patch({ name: 'workstation' }, { spec: { order } });
}

const providerReady = async (status: 'True' | 'False') =>
  await waitFor(`the provider's Ready to be ${status}`, async () => {
    const provider = await world.client.resource(ComputeProviderResource).get({ name: 'workstation' });
    const ready = findCondition(provider.status?.conditions, 'Ready');
    return ready?.status === status ? ready : undefined;
  });

const job = async (): Promise<TrainingJob | undefined> => (await world.jobs())[0];

describe.runIf(mountable)('a full disk', () => {
  beforeAll(async () => {
    world = await startCommonWorld({
      settings: { pollMs: 200, progressMs: 300, waitMs: 500, retryMs: 200 },
      trainerArguments: ['--step-ms', '100', '--checkpoint-ms', '50'],
    });
    mkdirSync(world.workDir, { recursive: true });
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs');
    await world.startOperator();
  });
  afterAll(async () => {
    await world?.stop().catch((error: unknown) => {
      // A folder that something is mounted on cannot be removed.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    });
    execFileSync('umount', ['--lazy', world.workDir]);
    await rm(world.directory, { recursive: true, force: true });
  });

  it('makes the provider say how much is missing, where, and what to do', async () => {
    const ready = await providerReady('False');
    expect(ready).toMatchObject({ reason: 'DiskFull' });
    expect(ready.message).toMatch(
      new RegExp(
        `^only 0\\.0 GiB are free in ${world.workDir}/\\w+, 2 are needed\\. Free space or set local\\.workDir\\.$`,
      ),
    );
  });

  it('that has not room for a single file says so too', async () => {
    await fill();
    await look(91);
    const ready = await waitFor('the verdict on a disk without any room', async () => {
      const found = await providerReady('False');
      return found.message.includes('ENOSPC') ? found : undefined;
    });
    expect(ready.reason).toBe('DiskFull');
    expect(ready.message).toMatch(
      /^cannot write to .*: ENOSPC\. The disk is full: free space, or choose a workDir on another disk\.$/,
    );
  });

  it('is noticed to have room again', async () => {
    resize(LARGE);
    await look(92);
    await providerReady('True');
  });

  it('fails a running job with its last verified checkpoint and says what to do', async () => {
    await world.createGoal('filled', { constraints: { maxSteps: 120, checkpointEverySteps: 10 } });
    await world.approve('filled');
    await waitFor('a checkpoint', async () =>
      ((await job())?.status?.checkpoints?.length ?? 0) >= 1 ? true : undefined,
    );
    await fill();
    await world.goalIn('filled', 'Failed');
    const found = await job();
    const attempt = found?.status?.attempts?.at(-1);
    expect(attempt).toMatchObject({ state: 'Gone', outcome: 'Failed' });
    expect(await world.trainers()).toEqual([]);
    await world.nothingRuns();
    const saved = found?.status?.checkpoints?.at(-1);
    expect(saved?.step).toBeGreaterThanOrEqual(10);
    const manifest = JSON.parse(await readFile(fileURLToPath(`${saved?.uri}/MANIFEST.json`), 'utf8'));
    expect(manifest.step).toBe(saved?.step);
    const failed = findCondition(found?.status?.conditions, 'Failed');
    expect(failed).toMatchObject({ status: 'True', reason: 'DiskFull' });
    expect(failed?.message).toMatch(/^the disk of the store is full/);
    expect(failed?.message).toMatch(
      /Free some space.* Then go on from the verified checkpoint of step \d+: kriptik resume filled$/,
    );
    expect(found?.status?.diagnosis?.at(-1)?.code).toBe('diskFull');
    const standing = findCondition((await world.goal('filled')).status?.conditions, 'Ready');
    expect(standing?.message).toBe(failed?.message);
  });

  it('lost nothing: with room again, the command it names goes on from that checkpoint to the end', async () => {
    const before = (await job())?.status?.checkpoints?.at(-1);
    resize(LARGE);
    await look(93);
    await providerReady('True');
    const ran = await place.kriptik(['-n', world.namespace, 'resume', 'filled'], {
      KUBECONFIG: world.controlPlane.kubeconfigPath,
    });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toContain(`resuming from step ${before?.step}`);
    await world.goalIn('filled', 'Succeeded');
    const done = await job();
    expect(done?.status?.attempts?.at(-1)).toMatchObject({ outcome: 'Succeeded', resumedFromStep: before?.step });
    const first = done?.status?.attempts?.[0];
    const store = openStore(`file://${join(fileURLToPath(`${before?.uri}`), '..', '..')}`);
    expect((await store.latestVerified({ fresh: true })).problems).toEqual([]);
    expect(first?.outcome).toBe('Failed');
  });
});
