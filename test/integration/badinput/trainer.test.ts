import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ComputeProviderResource, TrainingGoalResource } from '@kriptik/crds';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import { World } from '../../support/world.ts';
import { ROOT, usePlace } from './program.ts';

const place = usePlace();
const python = join(place.folder, 'python');
let world: World;
beforeAll(async () => {
  world = await World.start({ trainerPython: python, settings: { pollMs: 200, progressMs: 300, waitMs: 500 } });
  await world.startOperator();
});
afterAll(async () => await world?.stop());

const FAKE = join(ROOT, 'test', 'support', 'fake-trainer.ts');

/** An interpreter that has the trainer, but for the training. */
async function install(): Promise<void> {
  await writeFile(
    python,
    `#!/bin/sh
case "$1 $2 $3" in
  "-m kriptik_trainer run" | "-m kriptik_trainer version") shift 2; exec "${process.execPath}" "${FAKE}" "$@" ;;
esac
exec python3 "$@"
`,
  );
  await chmod(python, 0o755);
}

const ready = async () => {
  const provider = await world.client.resource(ComputeProviderResource).get({ name: 'workstation' });
  return findCondition(provider.status?.conditions, 'Ready');
};

describe('a trainer that is not there', () => {
  it('makes the provider say so, with what to do', async () => {
    const condition = await waitFor('a verdict', ready);
    expect(condition).toMatchObject({ status: 'False', reason: 'TrainerMissing' });
    expect(condition.message).toBe(
      `the trainer cannot be run with ${python}: spawn ${python} ENOENT. Run make trainer, or let KRIPTIK_TRAINER_PYTHON name a Python that has the trainer.`,
    );
    const doctor = await place.kriptik(['doctor'], {
      KUBECONFIG: world.controlPlane.kubeconfigPath,
      KRIPTIK_TRAINER_PYTHON: python,
    });
    expect(doctor.out).toMatch(/FAIL {2}trainer +.*ENOENT\n +fix: Install it: make trainer/);
    expect(doctor.out).toMatch(/FAIL {2}providers +none is ready\. workstation: the trainer cannot be run/);
  });

  it('blocks a plan that has nowhere else to run, with the same words', async () => {
    await world.createGoal('waiting', { suspend: true });
    const blocked = await waitFor('a blocked plan', async () => {
      const condition = findCondition((await world.plans())[0]?.status?.conditions, 'Ready');
      return condition?.reason === 'NoProvider' ? condition : undefined;
    });
    expect(blocked.message).toContain('workstation is not ready: the trainer cannot be run');
    expect(blocked.message).toContain('Run make trainer');
    expect(blocked.message).not.toContain('..');
    await waitFor(
      'the goal to say so',
      async () =>
        findCondition((await world.goal('waiting')).status?.conditions, 'Ready')?.message === blocked.message ||
        undefined,
    );
  });

  it('is found once it is installed, without a restart: the plan is priced by itself', async () => {
    await install();
    await world.goalIn('waiting', 'AwaitingApproval');
    expect(await ready()).toMatchObject({ status: 'True', reason: 'Ready' });
  });

  it('lets an approved job wait, not fail, and start by itself once the trainer is back', async () => {
    // Held back until the trainer is away: an approval is of a plan that can run.
    await world.approve('waiting');
    await world.goalIn('waiting', 'Paused');
    await rm(python);
    await look(90);
    await waitFor('the provider to miss it', async () => ((await ready())?.status === 'False' ? true : undefined));
    const goals = world.client.resource(TrainingGoalResource);
    await goals.patch({ namespace: world.namespace, name: 'waiting' }, { spec: { suspend: false } });
    const waiting = await waitFor('the job', async () => {
      const condition = findCondition((await world.jobs())[0]?.status?.conditions, 'Ready');
      return condition?.reason === 'NoProviderReady' ? condition : undefined;
    });
    expect(waiting.message).toContain('workstation: the trainer cannot be run');
    expect(waiting.message).toContain('Run make trainer');
    expect((await world.jobs())[0]?.status?.attempts ?? []).toEqual([]);
    await install();
    await look(91);
    await world.goalIn('waiting', 'Succeeded');
    expect((await world.jobs())[0]?.status?.attempts).toHaveLength(1);
  });
});

/** Has the operator look at the provider now: by itself it does so once a minute. */
async function look(order: number): Promise<void> {
  await world.client.resource(ComputeProviderResource).patch({ name: 'workstation' }, { spec: { order } });
}
