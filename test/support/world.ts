import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  API_VERSION,
  ComputeProviderResource,
  type ComputeProviderSpec,
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
import type { Kubeconfig } from '@kriptik/tools/controlplane/cluster/kubeconfig.ts';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { INSTALLED } from './installed.ts';
import { FaultProxy } from './proxy.ts';
import { waitFor } from './wait.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'team';

/** The operator calls the API server as this user, whose rights are those of config/rbac/operator.yaml and no more. */
const OPERATOR_USER = {
  name: 'system:serviceaccount:kriptik-system:kriptik-operator',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kriptik-system'],
};

export interface WorldOptions {
  /** USD per hour that the machine declares. */
  readonly pricePerHour?: string;
  readonly settings?: object;
  /** Arguments of the stand-in trainer. */
  readonly trainerArguments?: readonly string[];
  /** Added to the environment of operators. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path of an interpreter instead of the stand-in; there need be none. */
  readonly trainerPython?: string;
  /** A control plane to share instead of one of its own; it needs what {@link startCluster} gives. */
  readonly cluster?: ControlPlane;
  /** Operators see nothing but this world's namespace and provider: the control plane has more. */
  readonly alone?: boolean;
  /** Where the goals live. @default team */
  readonly namespace?: string;
  /** Name of the provider on this machine. @default workstation */
  readonly provider?: string;
  /** Another provider than this machine. */
  readonly providerSpec?: ComputeProviderSpec;
  /** How operators reach the API server, instead of straight. */
  readonly operatorKubeconfig?: object;
  /** What operators complain of goes to the log only, where faults are the point. */
  readonly quiet?: boolean;
}

/** A control plane with everything of this release but an operator. */
export async function startCluster(): Promise<ControlPlane> {
  const cluster = await startControlPlane({ auditLog: true });
  await cluster.applyManifests(INSTALLED);
  return cluster;
}

/** A kubeconfig with exactly the rights of the operator. */
export async function operatorKubeconfig(cluster: ControlPlane): Promise<Kubeconfig> {
  return (await cluster.createUser(OPERATOR_USER)).kubeconfig;
}

/** A rule of a role, as far as it is asked for here. */
interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** What one operator of a world may have that the others do not. */
type OperatorChanges = Pick<WorldOptions, 'trainerArguments' | 'env'> & {
  /** Of Node itself, such as a module to load first. */
  readonly nodeArguments?: readonly string[];
};

/** A control plane, its own unless one is shared, a provider on this machine, and an operator that can be started and killed. */
export class World {
  readonly controlPlane: ControlPlane;
  readonly client: KubeClient;
  readonly directory: string;
  readonly namespace: string;
  readonly #options: WorldOptions;
  readonly #operators = new Set<ChildProcess>();
  #proxy: FaultProxy | undefined;
  readonly #people: KubeClient[] = [];

  private constructor(controlPlane: ControlPlane, directory: string, options: WorldOptions) {
    this.controlPlane = controlPlane;
    this.directory = directory;
    this.#options = options;
    this.namespace = options.namespace ?? NAMESPACE;
    const config = loadKubeConfig({ path: controlPlane.kubeconfigPath });
    this.client = KubeClient.fromKubeConfig(config, { userAgent: 'kriptik-test', qps: 5_000, burst: 5_000 });
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const controlPlane = options.cluster ?? (await startCluster());
    const world = new World(controlPlane, await mkdtemp(join(tmpdir(), 'kriptik-world-')), options);
    const kubeconfig = options.operatorKubeconfig ?? (await world.#operatorAccess());
    await writeFile(world.#operatorKubeconfig, JSON.stringify(kubeconfig), { mode: 0o600 });
    await world.client.raw('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: world.namespace } },
    });
    await world.client.resource(ComputeProviderResource).create({
      apiVersion: API_VERSION,
      kind: 'ComputeProvider',
      metadata: { name: world.#provider },
      spec: options.providerSpec ?? {
        type: 'local',
        local: { pricePerHour: options.pricePerHour ?? '3.60', workDir: world.workDir },
      },
    });
    return world;
  }

  get #provider(): string {
    return this.#options.provider ?? 'workstation';
  }

  async #operatorAccess(): Promise<Kubeconfig> {
    const upstream = await operatorKubeconfig(this.controlPlane);
    if (this.#options.alone !== true) return upstream;
    this.#proxy = await FaultProxy.start({ upstream, scope: { namespace: this.namespace, name: this.#provider } });
    return this.#proxy.kubeconfig;
  }

  get #operatorKubeconfig(): string {
    return join(this.directory, 'operator.kubeconfig');
  }

  /** What all operators of this world wrote to their outputs. */
  get operatorLog(): string {
    return join(this.directory, 'operator.log');
  }

  get workDir(): string {
    return join(this.directory, 'work');
  }

  /** Starts an operator and waits until it works. `changes` hold for this one only. */
  async startOperator(changes: OperatorChanges = {}): Promise<ChildProcess> {
    const child = this.spawnOperator(changes);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const works = () => {
      if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}`);
      return output.includes('ready') || undefined;
    };
    await waitFor('the operator', works, { timeoutMs: 300_000 });
    return child;
  }

  /** Starts an operator and returns at once. */
  spawnOperator(changes: OperatorChanges = {}): ChildProcess {
    const script = join(ROOT, 'test', 'support', 'operator-process.ts');
    const { settings, trainerArguments, trainerPython, env } = { ...this.#options, ...changes };
    const findTrainer = trainerPython !== undefined;
    const child = spawn(
      process.execPath,
      [
        ...(changes.nodeArguments ?? []),
        script,
        this.#operatorKubeconfig,
        JSON.stringify({ settings, trainerArguments, findTrainer, env }),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...(findTrainer && { KRIPTIK_TRAINER_PYTHON: trainerPython }) },
      },
    );
    this.#operators.add(child);
    child.once('exit', () => this.#operators.delete(child));
    if (this.#options.quiet !== true) child.stderr.pipe(process.stderr, { end: false });
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(createWriteStream(this.operatorLog, { flags: 'a' }));
    }
    return child;
  }

  /** A client of somebody who has these ClusterRoles in the namespace of the goals, and nothing else. */
  async person(name: string, ...roles: string[]): Promise<KubeClient> {
    const { kubeconfig } = await this.controlPlane.createUser({ name, groups: [], namespace: this.namespace });
    const path = join(this.directory, `${name}.kubeconfig`);
    await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 });
    await this.controlPlane.applyManifests(
      roles.map((role) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: `${name}-${role}`, namespace: this.namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }],
      })),
    );
    const client = KubeClient.fromKubeConfig(loadKubeConfig({ path }), { userAgent: `kriptik-test-${name}` });
    this.#people.push(client);
    for (const role of roles) await this.#untilHeld(client, role);
    return client;
  }

  /** The authorizer reads bindings from a cache that lags behind their write. */
  async #untilHeld(person: KubeClient, role: string): Promise<void> {
    const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`;
    const { rules } = await this.client.raw<{ rules: readonly Rule[] }>('GET', path);
    const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    for (const { apiGroups, resources, verbs } of rules) {
      const [resource, subresource] = (resources[0] ?? '').split('/');
      const asked = { namespace: this.namespace, group: apiGroups[0], resource, subresource, verb: verbs[0] };
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: asked },
      };
      await waitFor(`the rights of ${role}`, async () => {
        const { status } = await person.raw<{ status: { allowed: boolean } }>('POST', reviews, { body });
        return status.allowed || undefined;
      });
    }
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
      metadata: { name, namespace: this.namespace },
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
    return await this.client.resource(TrainingGoalResource).get({ namespace: this.namespace, name });
  }

  async plans(): Promise<TrainingPlan[]> {
    return (await this.client.resource(TrainingPlanResource).list({ namespace: this.namespace })).items;
  }

  async jobs(): Promise<TrainingJob[]> {
    return (await this.client.resource(TrainingJobResource).list({ namespace: this.namespace })).items;
  }

  /** Waits until the goal is in one of the phases. */
  async goalIn(name: string, ...phases: string[]): Promise<TrainingGoal> {
    return await waitFor(`goal ${name} in ${phases.join(' or ')}`, async () => {
      const goal = await this.goal(name);
      return phases.includes(goal.status?.phase ?? '') ? goal : undefined;
    });
  }

  /** Waits for the goal's plan to be priced and approves exactly that digest; one priced anew meanwhile is read again. */
  async approve(goalName: string): Promise<TrainingPlan> {
    const plans = this.client.resource(TrainingPlanResource);
    return await waitFor(`the approval of ${goalName}`, async () => {
      const goal = await this.goalIn(goalName, 'AwaitingApproval');
      const key = { namespace: this.namespace, name: goal.status?.planRef?.name ?? '' };
      const plan = await plans.get(key);
      return await this.approvePlan(plan).catch(async (error: unknown) => {
        if ((await plans.get(key)).status?.digest === plan.status?.digest) throw error;
        return undefined;
      });
    });
  }

  /** Approves a plan as it is. */
  async approvePlan(plan: TrainingPlan): Promise<TrainingPlan> {
    return await this.#decide(plan, 'Approved');
  }

  async denyPlan(plan: TrainingPlan): Promise<TrainingPlan> {
    return await this.#decide(plan, 'Denied');
  }

  async #decide({ metadata, status }: TrainingPlan, decision: 'Approved' | 'Denied'): Promise<TrainingPlan> {
    const approval = {
      decision,
      digest: status?.digest,
      user: await this.#user(),
      at: new Date().toISOString(),
      via: 'status',
    };
    const key = { namespace: this.namespace, name: metadata.name };
    return await this.client.resource(TrainingPlanResource).status.patch(key, { status: { approval } });
  }

  async setBudget(goalName: string, limit: string): Promise<void> {
    await this.client
      .resource(TrainingGoalResource)
      .patch({ namespace: this.namespace, name: goalName }, { spec: { budget: { limit } } });
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

  /** Pid of the API server itself. */
  async apiServerPid(): Promise<number> {
    const log = this.controlPlane.auditLogPath ?? '';
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('kube-apiserver') && command.includes(`--audit-log-path=${log}`)) return Number(pid);
    }
    throw new Error('the API server does not run on this machine');
  }

  /** Trainer processes, without their supervisors. */
  async trainers(): Promise<number[]> {
    return (await this.processes()).filter(({ command }) => command.includes('run --spec')).map(({ pid }) => pid);
  }

  /** Resolves when no process is left. A supervisor says how its trainer ended, and goes a moment later. */
  async nothingRuns(): Promise<void> {
    await waitFor('no process', async () => (await this.processes()).length === 0 || undefined);
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
    await waitFor('the end of all processes', async () => {
      const left = await this.processes();
      for (const { pid } of left) end(pid);
      return left.length === 0 || undefined;
    });
    await this.#proxy?.stop();
    if (this.#options.alone === true) await this.#removeProvider();
    for (const client of [this.client, ...this.#people]) await client.close();
    if (this.#options.cluster === undefined) await this.controlPlane.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** With nobody left to count what runs there. */
  async #removeProvider(): Promise<void> {
    const providers = this.client.resource(ComputeProviderResource);
    await providers.status.patch({ name: this.#provider }, { status: { instances: 0 } });
    await providers.delete({ name: this.#provider });
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

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
