import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '@kriptik/cli/exitcodes.ts';
import { type Ran, runCli } from '@kriptik/cli/testing.ts';
import { ComputeProviderResource, type TrainingJob, type TrainingPlan } from '@kriptik/crds';
import { planDigest } from '@kriptik/operator/digest.ts';
import { parseMoney } from '@kriptik/operator/money.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refused } from '../support/refused.ts';
import { waitFor } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { FULL_FINETUNE, type TinyCase } from './tiny-cases.ts';
import { tinyGoal } from './tiny-goal.ts';
import { askTrainer, makeTiny, trainerPython } from './tiny-made.ts';

const PROVIDER = 'workstation';
const SETTINGS = { pollMs: 200, progressMs: 500, diagnoseMs: 200, waitMs: 500 };
const PATIENT = { timeoutMs: 300_000, everyMs: 100 };

/**
 * A rate that is far too high once it has risen: the loss falls while it is low, then rises and stays there. With steps of
 * eight rows the run is not over before people have seen that.
 */
const TOO_HIGH: TinyCase = {
  ...FULL_FINETUNE,
  constraints: {
    maxSteps: 400,
    checkpointEverySteps: 10,
    gradientAccumulation: 4,
    learningRate: '0.4',
    warmupRatio: '0.75',
  },
};
const STEPS = TOO_HIGH.constraints?.maxSteps;
const WARM_UP = 300;

interface Point {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
}

describe('a goal whose loss goes wrong with the trainer itself', () => {
  let world: World;
  let python: string;
  let base: string;
  let goalSpec: Awaited<ReturnType<typeof tinyGoal>>['spec'];

  beforeAll(async () => {
    python = await trainerPython();
    world = await World.start({ trainerPython: python, settings: SETTINGS, provider: PROVIDER });
    // Two at a time, each on a core.
    const spec = { limits: { maxInstances: 2 }, local: { resources: { maxCpus: 1 } } };
    await world.client.resource(ComputeProviderResource).patch({ name: PROVIDER }, { spec });
    const makers = [TOO_HIGH.model, 'chats'];
    const [made] = await Promise.all([makeTiny(python, join(world.directory, 'tiny'), makers), world.startOperator()]);
    base = made[TOO_HIGH.model] ?? '';
    goalSpec = (await tinyGoal(TOO_HIGH, made, PROVIDER)).spec;
  });
  afterAll(async () => await world?.stop());

  const cli = async (...args: string[]): Promise<Ran> =>
    await runCli(['--kubeconfig', world.controlPlane.kubeconfigPath, '-n', world.namespace, ...args]);
  const jobs = async (goal: string): Promise<TrainingJob[]> =>
    (await world.jobs()).filter(({ spec }) => spec.goalRef.name === goal);
  const jobOf = async ({ metadata }: TrainingPlan): Promise<TrainingJob | undefined> =>
    (await world.jobs()).find(({ spec }) => spec.planRef.uid === metadata.uid);
  const points = async ({ status }: TrainingJob): Promise<Point[]> => {
    const text = await readFile(join(fileURLToPath(status?.store?.uri ?? ''), 'metrics.jsonl'), 'utf8');
    const all = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Partial<Point>);
    return all.filter((point): point is Point => typeof point.loss === 'number');
  };

  /** Writes the goal and approves its plan; resolves with that, and with what is proposed once its job goes wrong. */
  async function proposedFor(name: string): Promise<{ plan: TrainingPlan; proposal: TrainingPlan }> {
    await world.createGoal(name, goalSpec);
    await waitFor(
      `a plan of ${name} to approve`,
      async () => ((await world.goal(name)).status?.phase === 'AwaitingApproval' ? true : undefined),
      PATIENT,
    );
    const plan = await world.approve(name);
    const proposal = await waitFor(
      `a proposal for ${name}`,
      async () => {
        const [job] = await jobs(name);
        if (job === undefined) return undefined;
        if (job.status?.phase === 'Succeeded' || job.status?.phase === 'Failed')
          throw new Error(`${name} ended before anything was proposed: ${JSON.stringify(job.status.diagnosis)}`);
        return (await world.plans()).find(
          ({ spec, status }) => spec.amends?.job.uid === job.metadata.uid && status?.phase === 'AwaitingApproval',
        );
      },
      PATIENT,
    );
    return { plan, proposal };
  }

  it.concurrent('goes on from before that by the amendment that is approved', async () => {
    const { plan, proposal } = await proposedFor('amended');
    expect(proposal.spec.amends).toMatchObject({
      finding: 'LossDiverging',
      change: 'hyperparameters.learningRate=0.2',
      plan: { name: plan.metadata.name, uid: plan.metadata.uid },
    });
    const start = await isPriced(proposal);

    const { name } = proposal.metadata;
    const mistaken = { ...proposal, status: { ...proposal.status, digest: plan.status?.digest ?? '' } };
    await refused(world.approvePlan(mistaken), 'digest');
    const approved = await cli('approve', name, '--yes', '--digest', proposal.status?.digest ?? '');
    expect(approved, approved.err).toMatchObject({ code: EXIT.ok });

    const after = await waitFor(
      'the end of the amended run',
      async () => {
        const job = await jobOf(proposal);
        if (job?.status?.phase === 'Failed') throw new Error(JSON.stringify(job.status.diagnosis));
        const now = (await world.plans()).find(({ metadata }) => metadata.uid === proposal.metadata.uid);
        if (now?.status?.phase === 'Blocked') throw new Error(JSON.stringify(now.status.conditions));
        return job?.status?.phase === 'Succeeded' ? job : undefined;
      },
      PATIENT,
    );
    const before = await jobOf(plan);
    expect(await jobs('amended')).toHaveLength(2);
    if (before === undefined) throw new Error('the job before is gone');
    expect(after.spec.planRef.digest).toBe(proposal.status?.digest);
    expect(before.status).toMatchObject({ phase: 'Superseded', attempts: [{ state: 'Gone' }] });

    await goesOn(before, after, start);
    await sharesOneBudget(before, after);
    await isWhole(after);
  });

  it.concurrent('goes on as it was where the amendment is denied', async () => {
    const { plan, proposal } = await proposedFor('kept');
    const denied = await cli('deny', proposal.metadata.name, '--yes', '--reason', 'we want to see where it goes');
    expect(denied, denied.err).toMatchObject({ code: EXIT.ok });
    const at = (await jobOf(plan))?.status?.progress?.step ?? 0;
    const job = await waitFor(
      'a few steps more',
      async () => {
        const now = await jobOf(plan);
        return (now?.status?.progress?.step ?? 0) >= at + 20 ? now : undefined;
      },
      PATIENT,
    );
    expect(await jobs('kept')).toHaveLength(1);
    expect(job.status?.attempts).toHaveLength(1);
    expect((await world.goal('kept')).status?.planRef?.name).toBe(plan.metadata.name);
    // It warms up to the rate of its own plan still.
    const trained = await points(job);
    const [, second] = trained.map(({ learningRate }) => learningRate);
    for (const { step, learningRate } of trained.slice(0, WARM_UP))
      expect(learningRate).toBeCloseTo((second ?? 0) * (step - 1), 9);
    // Enough was seen: the other run gets the machine.
    expect(await cli('pause', 'kept')).toMatchObject({ code: EXIT.ok });
  });

  /** It is approved by its price and by where it begins. */
  async function isPriced({ spec, status }: TrainingPlan) {
    const { resolved, quote, digest } = status ?? {};
    const { start } = resolved ?? {};
    if (resolved === undefined || quote === undefined || start === undefined) throw new Error('nothing is priced');
    const { contract } = spec;
    expect(start).toMatchObject({ from: 'Checkpoint', lastStep: STEPS });
    expect(start.step).toBeGreaterThan(0);
    expect(start.step).toBeLessThanOrEqual(start.soundUntil ?? 0);
    expect(quote.steps).toBe(start.lastStep - start.step);
    expect(planDigest({ contract, resolved, quote })).toBe(digest);
    const elsewhere = { ...resolved, start: { ...start, step: start.step - 1 } };
    expect(planDigest({ contract, resolved: elsewhere, quote })).not.toBe(digest);
    return start;
  }

  /** The very next step after the checkpoint, with the same weights and rows, at half the rate. */
  async function goesOn(
    before: TrainingJob,
    after: TrainingJob,
    start: NonNullable<NonNullable<NonNullable<TrainingPlan['status']>['resolved']>['start']>,
  ): Promise<void> {
    const handed = after.spec.continues?.checkpoint;
    if (handed === undefined) throw new Error('nothing was handed over');
    expect(handed.uri).toContain(before.status?.store?.uri);
    expect(handed.step).toBeGreaterThanOrEqual(start.step);
    expect(handed.step).toBeLessThanOrEqual(start.soundUntil ?? 0);
    expect(before.status?.checkpoints).toContainEqual(
      expect.objectContaining({ uri: handed.uri, verifiedAt: expect.any(String) }),
    );
    expect(after.status?.attempts).toMatchObject([{ number: 1, resumedFromStep: handed.step }]);
    expect(after.status?.progress).toMatchObject({ step: STEPS, totalSteps: STEPS });

    const log = await cli('logs', after.metadata.name);
    expect(log.out).toContain(`going on from step ${handed.step} of the job before`);
    const old = new Map((await points(before)).map((point) => [point.step, point]));
    const made = await points(after);
    const steps = Array.from({ length: (STEPS ?? 0) - handed.step }, (_, index) => handed.step + index + 1);
    expect(made.map(({ step }) => step)).toEqual(steps);
    // What the weights of that checkpoint make of the rows that came next.
    expect(made[0]?.loss).toBeCloseTo(old.get(handed.step + 1)?.loss ?? 0, 3);
    for (const { step, learningRate } of made.slice(0, 10))
      expect(learningRate).toBeCloseTo((old.get(step)?.learningRate ?? 0) / 2, 9);
    // Its own work lies in its own folder, and the optimizer has counted every step of both.
    const last = after.status?.checkpoints?.at(-1);
    expect(last).toMatchObject({ step: STEPS, reason: 'Final', uri: expect.stringContaining(after.metadata.uid) });
    const state = await readFile(join(fileURLToPath(last?.uri ?? ''), 'trainer_state.json'), 'utf8');
    expect(JSON.parse(state)).toMatchObject({ global_step: STEPS, max_steps: STEPS });
  }

  async function sharesOneBudget(before: TrainingJob, after: TrainingJob): Promise<void> {
    const [first, second] = [before, after].map(({ status }) => parseMoney(status?.cost?.spent ?? '0'));
    if (first === undefined || second === undefined) throw new Error('there are two');
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(0);
    expect(after.spec.continues?.spent).toBe(before.status?.cost?.spent);
    const { budget } = (await world.goal('amended')).status ?? {};
    expect(parseMoney(after.status?.cost?.limit ?? '0') + first).toBe(parseMoney(budget?.limit ?? '0'));
    expect(parseMoney(budget?.spent ?? '0')).toBe(first + second);
    // The second began when the first was gone.
    const [gone, begun] = [before.status?.attempts?.at(-1)?.goneAt, after.status?.attempts?.[0]?.createdAt];
    expect(Date.parse(begun ?? '')).toBeGreaterThanOrEqual(Date.parse(gone ?? ''));
  }

  /** Every byte is the one that was committed, and the model answers. */
  async function isWhole({ status }: TrainingJob): Promise<void> {
    const [artifact, ...others] = status?.artifacts ?? [];
    expect(others).toEqual([]);
    expect(artifact).toMatchObject({ name: 'merged', verifiedAt: expect.any(String) });
    const uri = artifact?.uri ?? '';
    await askTrainer(python, 'verify', '--uri', uri);
    const asked = ['--prompt', 'what is a freeze 0?', '--max-new-tokens', '4'];
    const told = await askTrainer(python, 'compare', '--base', base, '--tuned', uri, ...asked);
    expect(told).toContain('"results"');
  }
});
