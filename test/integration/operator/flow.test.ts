import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TrainingJob } from '@kriptik/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';

const TRAINER = ['--step-ms', '100', '--checkpoint-ms', '50'];
/** A first attempt makes no more than so many of its 60 steps: what stops it comes before its end on any machine. */
const HELD = [...TRAINER, '--hold-at', '40'];

const SETTINGS = {
  pollMs: 200,
  progressMs: 300,
  assumedCheckpointMs: 300,
  assumedStartMs: 1_000,
  teardownMs: 4_000,
  killGraceMs: 1_000,
  retryMs: 200,
  waitMs: 500,
};

describe('goal to trained model, with the stand-in trainer', () => {
  let world: World;
  let operator: ChildProcess;

  beforeAll(async () => {
    world = await startCommonWorld({
      settings: SETTINGS,
      trainerArguments: TRAINER,
    });
    operator = await world.startOperator();
  });
  afterAll(async () => await world.stop());

  const jobOf = async (goal: string): Promise<TrainingJob | undefined> =>
    (await world.jobs()).find((job) => job.spec.goalRef.name === goal);

  it('prices the goal, waits for approval, trains, verifies and leaves nothing running', async () => {
    await world.createGoal('plain');
    await world.goalIn('plain', 'AwaitingApproval');
    expect(await jobOf('plain')).toBeUndefined();
    expect(await world.trainers()).toEqual([]);

    await world.approve('plain');
    await world.goalIn('plain', 'Succeeded');
    const job = await jobOf('plain');
    expect(job?.status?.attempts?.map(({ number, outcome, state }) => ({ number, outcome, state }))).toEqual([
      { number: 1, outcome: 'Succeeded', state: 'Gone' },
    ]);
    expect(job?.status?.artifacts?.length).toBeGreaterThan(0);
    expect(Number(job?.status?.cost?.spent)).toBeGreaterThan(0);
    await world.nothingRuns();
  });

  it('freezes before a small limit with a verified checkpoint and resumes after a raise', async () => {
    operator.kill('SIGKILL');
    await world.startOperator({ trainerArguments: HELD });
    // At 3.96 USD an hour with the fee for 18 s, the first few of which may go by before the first step.
    await world.createGoal('small', { budget: { limit: '0.020', currency: 'USD', alertAt: 50, warnAt: 60 } });
    await world.approve('small');
    await world.goalIn('small', 'Frozen');
    const frozen = await jobOf('small');
    expect(await world.trainers()).toEqual([]);
    await world.nothingRuns();
    expect(Number(frozen?.status?.cost?.spent)).toBeLessThanOrEqual(0.02);
    const checkpoint = frozen?.status?.checkpoints?.at(-1);
    const manifest = JSON.parse(await readFile(fileURLToPath(`${checkpoint?.uri}/MANIFEST.json`), 'utf8'));
    expect(manifest.step).toBe(checkpoint?.step);
    expect(frozen?.status?.conditions?.find(({ type }) => type === 'CheckpointVerified')?.status).toBe('True');

    await world.setBudget('small', '1.00');
    await world.goalIn('small', 'Succeeded');
    const done = await jobOf('small');
    const resumed = done?.status?.attempts?.at(-1);
    expect(resumed?.resumedFromStep).toBe(checkpoint?.step);
    expect(done?.spec.planRef.name).toBe(frozen?.spec.planRef.name);
  });

  it('pauses with a checkpoint by the scale subresource and goes on from it', async () => {
    await world.createGoal('paused');
    await world.approve('paused');
    const job = await waitFor('a running job', async () => {
      const found = await jobOf('paused');
      return (found?.status?.progress?.step ?? 0) > 5 ? found : undefined;
    });
    const scale = async (replicas: number): Promise<unknown> =>
      await world.client.raw(
        'PATCH',
        `/apis/training.kriptik.ai/v1alpha1/namespaces/${world.namespace}/trainingjobs/${job.metadata.name}/scale`,
        {
          body: { spec: { replicas } },
          contentType: 'application/merge-patch+json',
        },
      );
    await scale(0);
    await world.goalIn('paused', 'Paused');
    const paused = await jobOf('paused');
    expect(await world.trainers()).toEqual([]);
    await world.nothingRuns();
    expect(paused?.status?.attempts?.at(-1)?.stopReason).toBe('Paused');
    await scale(1);
    await world.goalIn('paused', 'Succeeded');
    const attempts = (await jobOf('paused'))?.status?.attempts ?? [];
    expect(attempts.at(-1)?.resumedFromStep).toBeGreaterThanOrEqual(paused?.status?.checkpoints?.at(-1)?.step ?? 1);
  });

  it('ends the trainer when the goal is deleted, and lets the objects go', async () => {
    await world.createGoal('deleted');
    await world.approve('deleted');
    await waitFor('a trainer', async () => ((await world.trainers()).length > 0 ? true : undefined));
    await world.client.raw(
      'DELETE',
      `/apis/training.kriptik.ai/v1alpha1/namespaces/${world.namespace}/traininggoals/deleted`,
    );
    await world.nothingRuns();
    await waitFor('no job', async () => ((await jobOf('deleted')) === undefined ? true : undefined));
  });

  it('asks back when no budget is stated anywhere, and plans once it is', async () => {
    const goal = await world.createGoal('vague', { budget: undefined as never });
    expect(goal.spec.budget).toBeUndefined();
    const asked = await world.goalIn('vague', 'NeedsClarification');
    expect(asked.status?.intent?.questions?.map(({ field }) => field)).toContain('spec.budget.limit');
    await world.setBudget('vague', '0.50');
    await world.goalIn('vague', 'AwaitingApproval');
  });
});
