import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TrainingJob, TrainingJobResource, type TrainingPlan } from '@kriptik/crds';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { ProcessWatch } from '../../support/process-watch.ts';
import { waitFor } from '../../support/wait.ts';
import type { World, WorldOptions } from '../../support/world.ts';

export const API = '/apis/training.kriptik.ai/v1alpha1';
/** With the fee 3.96 USD an hour: 0.0011 a second. */
const PRICE = 3.6;
const FEE = 1.1;
/** Everything of an attempt is gone this long after its end was asked for. */
const GONE_MS = 30_000;

const TRAINER = ['--step-ms', '50', '--checkpoint-ms', '50'];

const OPTIONS: WorldOptions = {
  pricePerHour: String(PRICE),
  settings: {
    pollMs: 200,
    progressMs: 300,
    assumedCheckpointMs: 300,
    assumedStartMs: 500,
    teardownMs: 3_000,
    killGraceMs: 1_000,
    retryMs: 200,
    waitMs: 300,
  },
  trainerArguments: TRAINER,
};

/** A world whose processes are watched, with people of their own and an operator that dies and comes back. */
export class Watched {
  readonly world: World;
  readonly watch: ProcessWatch;
  readonly editor: KubeClient;
  readonly approver: KubeClient;
  #operator: ChildProcess;

  private constructor(world: World, watch: ProcessWatch, operator: ChildProcess, people: [KubeClient, KubeClient]) {
    this.world = world;
    this.watch = watch;
    this.#operator = operator;
    [this.editor, this.approver] = people;
  }

  /** In the world that `open` gives. Operators log all they do: what must not be told is looked for there. */
  static async start(open: (options: WorldOptions) => Promise<World>): Promise<Watched> {
    process.env['LOG_LEVEL'] = 'debug';
    const world = await open(OPTIONS);
    const watch = new ProcessWatch(world.workDir);
    const operator = await world.startOperator();
    const editor = await world.person('erin', 'kriptik-editor');
    const approver = await world.person('alice', 'kriptik-approver');
    return new Watched(world, watch, operator, [editor, approver]);
  }

  async stop(): Promise<void> {
    await this.watch.stop();
    await this.world.stop();
    delete process.env['LOG_LEVEL'];
  }

  async kill(): Promise<void> {
    this.#operator.kill('SIGKILL');
    await once(this.#operator, 'exit');
  }

  /** Starts an operator, after the one before is dead; its trainers get these arguments besides the usual ones. */
  async restart(...trainerArguments: string[]): Promise<void> {
    if (this.#operator.exitCode === null && this.#operator.signalCode === null) await this.kill();
    this.#operator = await this.world.startOperator({ trainerArguments: [...TRAINER, ...trainerArguments] });
  }

  async jobOf(goal: string): Promise<TrainingJob | undefined> {
    return (await this.world.jobs()).filter((job) => job.spec.goalRef.name === goal).at(-1);
  }

  keyOf({ metadata }: TrainingJob | TrainingPlan): { namespace: string; name: string } {
    return { namespace: this.world.namespace, name: metadata.name };
  }

  async nothingRuns(): Promise<void> {
    await waitFor('the end of all processes', () => (this.watch.live.length === 0 ? true : undefined), {
      timeoutMs: GONE_MS,
      everyMs: 20,
    });
  }

  /** A goal that trains for long, its job past a few steps. */
  async running(name: string, limit = '1.00', steps = 2_000): Promise<TrainingJob> {
    await this.world.createGoal(name, {
      budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
      constraints: { maxSteps: steps, checkpointEverySteps: 10 },
    });
    await this.world.approve(name);
    return await waitFor('a job past its first checkpoint', async () => {
      const job = await this.jobOf(name);
      return (job?.status?.progress?.step ?? 0) >= 15 ? job : undefined;
    });
  }

  /**
   * Leaves a goal so much more than it has spent, in USD, and waits until its trainer and its provider keep the deadline
   * of that. Returns the new limit. How long all took to start plays no part, as it would for a limit from the beginning.
   */
  async leave(goal: string, more: number): Promise<number> {
    const limit = (Number((await this.jobOf(goal))?.status?.cost?.spent) + more).toFixed(6);
    await this.world.setBudget(goal, limit);
    await waitFor(`the deadline of ${limit}`, async () => {
      const live = (await this.jobOf(goal))?.status?.attempts?.at(-1);
      return live?.state !== 'Running' || Number(live.deadlineLimit) <= Number(limit) ? true : undefined;
    });
    return Number(limit);
  }

  async scale(job: TrainingJob, replicas: number): Promise<void> {
    await this.editor.resource(TrainingJobResource).patch(this.keyOf(job), { spec: { replicas } });
  }

  async drop(goal: string): Promise<void> {
    await this.world.client.raw('DELETE', `${API}/namespaces/${this.world.namespace}/traininggoals/${goal}`);
    await waitFor(`no job of ${goal}`, async () => ((await this.jobOf(goal)) === undefined ? true : undefined));
  }

  /** USD that the attempts of a job took for certain, by the process table alone; a look that comes late is not billed. */
  billOf(job: TrainingJob): number {
    const names = new Set(job.status?.attempts?.map(({ name }) => name));
    return this.watch.seen
      .filter(({ name }) => names.has(name))
      .reduce((sum, { start, alive }) => sum + ((alive - start) / 3_600_000) * PRICE * FEE, 0);
  }

  async storeOf(job: TrainingJob): Promise<string> {
    const [cluster = ''] = await readdir(this.world.workDir);
    return join(this.world.workDir, cluster, 'jobs', job.metadata.uid);
  }
}
