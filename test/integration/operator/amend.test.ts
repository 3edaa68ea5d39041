import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ran, runCli } from '@kriptik/cli/testing.ts';
import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { parseMoney } from '@kriptik/operator/money.ts';
import { isTrue } from '@kriptik/operator/runtime/conditions.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import type { World } from '../../support/world.ts';
import { startCommonWorld } from '../common-world.ts';

const SETTINGS = {
  pollMs: 200,
  progressMs: 300,
  diagnoseMs: 300,
  assumedCheckpointMs: 300,
  assumedStartMs: 1_000,
  teardownMs: 4_000,
  killGraceMs: 1_000,
  retryMs: 200,
  waitMs: 500,
};

/** As long as it exists, a run that diverges waits near its end for what is decided about it. */
const UNDECIDED = join(tmpdir(), `kriptik-undecided-${process.pid}`);

/** Steps of 60 ms; the loss of a learning rate above 0.0007 climbs from the middle of the run on. */
const TRAINER = `--step-ms 60 --checkpoint-ms 30 --diverge-above 0.0007 --hold-at 190 --hold-while ${UNDECIDED}`.split(
  ' ',
);
const CONSTRAINTS = { maxSteps: 200, checkpointEverySteps: 20, learningRate: '0.001' };

describe('a job that diverges', () => {
  let world: World;

  beforeAll(async () => {
    await writeFile(UNDECIDED, '');
    world = await startCommonWorld({ settings: SETTINGS, trainerArguments: TRAINER });
    await world.startOperator();
  });
  afterAll(async () => {
    await world.stop();
    await rm(UNDECIDED, { force: true });
  });

  const cli = async (...args: string[]): Promise<Ran> =>
    await runCli(['--kubeconfig', world.controlPlane.kubeconfigPath, '-n', world.namespace, ...args]);
  const jobs = async (goal: string): Promise<TrainingJob[]> =>
    (await world.jobs()).filter(({ spec }) => spec.goalRef.name === goal);
  const amendments = async (goal: string): Promise<TrainingPlan[]> =>
    (await world.plans()).filter(({ spec }) => spec.goalRef.name === goal && spec.amends !== undefined);
  const proposed = async (goal: string): Promise<TrainingPlan> =>
    await waitFor(`a proposal for ${goal}`, async () =>
      (await amendments(goal)).find(
        ({ status }) => status?.phase === 'AwaitingApproval' && status.approval === undefined,
      ),
    );
  const ready = ({ status }: TrainingPlan | TrainingJob): string =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

  it('is replaced by the proposed plan once that is approved, within one budget', async () => {
    await world.createGoal('high', { constraints: CONSTRAINTS });
    const base = await world.approve('high');
    const amendment = await proposed('high');
    expect(amendment.spec.amends).toMatchObject({
      plan: { name: base.metadata.name, uid: base.metadata.uid },
      finding: 'LossDiverging',
      change: 'hyperparameters.learningRate=0.0005',
    });
    expect(amendment.status?.resolved?.hyperparameters.learningRate).toBe('0.0005');
    expect(amendment.status?.changes).toContainEqual(
      expect.objectContaining({ what: 'learning rate', before: '0.001', after: '0.0005' }),
    );
    // What it learned until the loss went wrong is kept.
    const start = amendment.status?.resolved?.start;
    expect(start).toMatchObject({ from: 'Checkpoint', lastStep: 200 });
    expect(start?.step).toBeGreaterThanOrEqual(20);
    expect(start?.soundUntil).toBeLessThan(120);
    expect(amendment.status?.quote?.steps).toBe(200 - (start?.step ?? 0));
    expect(ready(amendment)).toContain(`goes on from step ${start?.step} or later, up to step ${start?.soundUntil}`);
    // Nothing happens before somebody decides.
    const [before] = await jobs('high');
    expect(before?.status?.attempts?.at(-1)?.state).toBe('Running');
    expect(await jobs('high')).toHaveLength(1);

    const told = await cli('describe', 'high');
    expect(told.out).toContain(`kriptik approve ${amendment.metadata.name}`);
    expect(told.out).toMatch(/Proposed changes\n.*hyperparameters\.learningRate=0\.0005/);

    const approved = await cli('approve', amendment.metadata.name, '--yes');
    expect(approved).toMatchObject({ code: 0 });
    await world.goalIn('high', 'Succeeded');
    const all = await jobs('high');
    const old = all.find(({ metadata }) => metadata.name === base.metadata.name);
    const made = all.find(({ metadata }) => metadata.name === amendment.metadata.name);
    expect(all).toHaveLength(2);
    expect(old?.status?.phase).toBe('Superseded');
    expect(old?.status?.attempts?.at(-1)).toMatchObject({ state: 'Gone', stopReason: 'Superseded' });
    expect(old?.status?.checkpoints?.at(-1)?.verifiedAt).toBeDefined();
    expect(made?.status?.attempts).toHaveLength(1);
    const handed = made?.spec.continues?.checkpoint;
    expect(handed?.uri).toContain(old?.metadata.uid);
    expect(handed?.step).toBeGreaterThanOrEqual(start?.step ?? 0);
    expect(handed?.step).toBeLessThanOrEqual(start?.soundUntil ?? 0);
    expect(made?.status?.attempts?.[0]?.resumedFromStep).toBe(handed?.step);
    expect(made?.status?.progress?.step).toBe(200);
    // The second began when the first was gone, and what that spent is gone from its limit.
    expect(Date.parse(made?.status?.attempts?.[0]?.createdAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(old?.status?.attempts?.at(-1)?.goneAt ?? ''),
    );
    expect(made?.spec.continues?.spent).toBe(old?.status?.cost?.spent);
    const limit = parseMoney(made?.status?.cost?.limit ?? '0');
    expect(limit + parseMoney(old?.status?.cost?.spent ?? '0')).toBe(parseMoney('1.00'));
    const goal = await world.goal('high');
    expect(goal.status?.planRef?.name).toBe(amendment.metadata.name);
    expect(goal.status?.budget?.limit).toBe('1.00');
    expect(parseMoney(goal.status?.budget?.spent ?? '0')).toBe(
      parseMoney(old?.status?.cost?.spent ?? '0') + parseMoney(made?.status?.cost?.spent ?? '0'),
    );
  });

  it('goes on when the proposal is denied, which is not made again, and another is withdrawn at its end', async () => {
    await world.createGoal('kept', { constraints: CONSTRAINTS });
    const base = await world.approve('kept');
    const first = await proposed('kept');
    await world.denyPlan(first);
    await rm(UNDECIDED);
    await world.goalIn('kept', 'Succeeded');
    expect((await jobs('kept')).map(({ metadata }) => metadata.name)).toEqual([base.metadata.name]);
    const rest = await waitFor('the other one withdrawn', async () => {
      const others = (await amendments('kept')).filter(({ metadata }) => metadata.uid !== first.metadata.uid);
      return others.every(({ status }) => isTrue(status?.conditions, 'Withdrawn')) ? others : undefined;
    });
    expect(new Set((await amendments('kept')).map(({ spec }) => spec.amends?.change)).size).toBe(rest.length + 1);
    expect(rest.map(({ status }) => status?.digest)).toEqual(rest.map(() => undefined));
  });
});
