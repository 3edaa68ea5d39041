import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  API_VERSION,
  ComputeProviderResource,
  type TrainingGoal,
  TrainingGoalResource,
  type TrainingGoalSpec,
  type TrainingJob,
  TrainingJobResource,
  type TrainingPlan,
  TrainingPlanResource,
} from '@kriptik/crds';
import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { waitFor } from './wait.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'team';

export interface WorldOptions {
  /** USD per hour that the machine declares. */
  readonly pricePerHour?: string;
  readonly settings?: object;
  /** Arguments of the stand-in trainer. */
  readonly trainerArguments?: readonly string[];
}

/** A control plane of its own, a provider on this machine, and an operator that can be started and killed. */
export class World {
  readonly controlPlane: ControlPlane;
  readonly client: KubeClient;
  readonly directory: string;
  readonly namespace = NAMESPACE;
  readonly #options: WorldOptions;
  readonly #operators = new Set<ChildProcess>();

  private constructor(controlPlane: ControlPlane, directory: string, options: WorldOptions) {
    this.controlPlane = controlPlane;
    this.directory = directory;
    this.#options = options;
    const config = loadKubeConfig({ path: controlPlane.kubeconfigPath });
    this.client = KubeClient.fromKubeConfig(config, { userAgent: 'kriptik-test', qps: 5_000, burst: 5_000 });
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const controlPlane = await startControlPlane({ auditLog: true });
    await controlPlane.applyManifests(
      ['crds', 'webhooks', 'config', 'config/rbac'].map((folder) => join(ROOT, folder)),
    );
    const world = new World(controlPlane, await mkdtemp(join(tmpdir(), 'kriptik-world-')), options);
    await world.client.raw('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    });
    await world.client.resource(ComputeProviderResource).create({
      apiVersion: API_VERSION,
      kind: 'ComputeProvider',
      metadata: { name: 'workstation' },
      spec: {
        type: 'local',
        local: { pricePerHour: options.pricePerHour ?? '3.60', workDir: world.workDir },
      },
    });
    return world;
  }

  get workDir(): string {
    return join(this.directory, 'work');
  }

  /** Starts an operator and waits until it works. */
  async startOperator(): Promise<ChildProcess> {
    const script = join(ROOT, 'test', 'support', 'operator-process.ts');
    const { settings, trainerArguments } = this.#options;
    const child = spawn(
      process.execPath,
      [script, this.controlPlane.kubeconfigPath, JSON.stringify({ settings, trainerArguments })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#operators.add(child);
    child.once('exit', () => this.#operators.delete(child));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await waitFor('the operator', () => {
      if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}`);
      return output.includes('ready') || undefined;
    });
    return child;
  }

  /** Writes a data file of question-answer rows and returns its URI. */
  async writeData(name = 'rows.jsonl', rows = 200): Promise<string> {
    const path = join(this.directory, name);
    const line = (n: number): string =>
      JSON.stringify({ question: `What is ${n} plus one?`, answer: `It is ${n + 1}.` });
    await writeFile(path, `${Array.from({ length: rows }, (_, n) => line(n)).join('\n')}\n`);
    return pathToFileURL(path).href;
  }

  /** Creates a goal; `spec` completes a small one that plans on this machine. */
  async createGoal(name: string, spec: Partial<TrainingGoalSpec> = {}): Promise<TrainingGoal> {
    const data = spec.data ?? [{ uri: await this.writeData(`${name}.jsonl`) }];
    return await this.client.resource(TrainingGoalResource).create({
      apiVersion: API_VERSION,
      kind: 'TrainingGoal',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        goal: 'Train a small assistant that answers questions like our help desk. Use the question-answer file. It runs on this machine.',
        budget: { limit: '1.00', currency: 'USD', alertAt: 80, warnAt: 95 },
        constraints: { maxSteps: 60, checkpointEverySteps: 10 },
        ...spec,
        data,
      },
    });
  }

  async goal(name: string): Promise<TrainingGoal> {
    return await this.client.resource(TrainingGoalResource).get({ namespace: NAMESPACE, name });
  }

  async plans(): Promise<TrainingPlan[]> {
    return (await this.client.resource(TrainingPlanResource).list({ namespace: NAMESPACE })).items;
  }

  async jobs(): Promise<TrainingJob[]> {
    return (await this.client.resource(TrainingJobResource).list({ namespace: NAMESPACE })).items;
  }

  /** Waits until the goal is in one of the phases. */
  async goalIn(name: string, ...phases: string[]): Promise<TrainingGoal> {
    return await waitFor(`goal ${name} in ${phases.join(' or ')}`, async () => {
      const goal = await this.goal(name);
      return phases.includes(goal.status?.phase ?? '') ? goal : undefined;
    });
  }

  /** Waits for the goal's plan to be priced and approves exactly that digest. */
  async approve(goalName: string): Promise<TrainingPlan> {
    const goal = await this.goalIn(goalName, 'AwaitingApproval');
    const plans = this.client.resource(TrainingPlanResource);
    const key = { namespace: NAMESPACE, name: goal.status?.planRef?.name ?? '' };
    const plan = await plans.get(key);
    const user = await this.#user();
    const approval = {
      decision: 'Approved',
      digest: plan.status?.digest,
      user,
      at: new Date().toISOString(),
      via: 'status',
    };
    return await plans.status.patch(key, { status: { approval } });
  }

  async setBudget(goalName: string, limit: string): Promise<void> {
    await this.client
      .resource(TrainingGoalResource)
      .patch({ namespace: NAMESPACE, name: goalName }, { spec: { budget: { limit } } });
  }

  /** Pids of trainers and supervisors of this world that run now, from the system's process table. */
  async processes(): Promise<{ pid: number; command: string }[]> {
    const found: { pid: number; command: string }[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes(this.workDir)) found.push({ pid: Number(pid), command: command.replaceAll('\0', ' ') });
    }
    return found;
  }

  /** Trainer processes, without their supervisors. */
  async trainers(): Promise<number[]> {
    return (await this.processes()).filter(({ command }) => command.includes('run --spec')).map(({ pid }) => pid);
  }

  /** Writes of one user agent to the API server so far, oldest first; leases and events left out. */
  async writes(userAgent = 'kriptik-operator'): Promise<{ verb: string; uri: string }[]> {
    const path = this.controlPlane.auditLogPath;
    if (path === undefined) return [];
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    return lines
      .map((line) => JSON.parse(line) as { verb: string; requestURI: string; userAgent?: string; stage?: string })
      .filter((entry) => entry.userAgent?.startsWith(userAgent) === true && entry.stage === 'ResponseComplete')
      .map((entry) => ({ verb: entry.verb, uri: entry.requestURI }))
      .filter(({ uri }) => !uri.includes('/leases/') && !uri.includes('/events') && !uri.includes('selfsubject'));
  }

  async stop(): Promise<void> {
    for (const operator of this.#operators) {
      operator.kill('SIGKILL');
      await once(operator, 'exit');
    }
    for (const { pid } of await this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await this.client.close();
    await this.controlPlane.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #user(): Promise<string> {
    const review = await this.client.raw<{ status: { userInfo: { username: string } } }>(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } },
    );
    return review.status.userInfo.username;
  }
}
