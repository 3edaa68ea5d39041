import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { glob } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ComputeProviderResource, type TrainingGoal, type TrainingJob, type TrainingPlan } from '@kriptik/crds';
import type { JobSettings } from '@kriptik/operator/job/settings.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { type AuditEntry, AuditTail } from '../support/audit.ts';
import type { PodPlace } from '../support/played-kubelet.ts';
import { ProcessWatch } from '../support/process-watch.ts';
import { FaultProxy, type ProxyFault } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';
import { operatorKubeconfig, World } from '../support/world.ts';
import { type PodSite, podsOf } from './pods.ts';

/** The name of the one goal of a lane. */
export const GOAL = 'faq';

/** With the fee 39.60 USD an hour: 0.011 a second. */
export const PRICE = '36.00';

/** Fast, and yet in the order in which a real cluster has them. */
export const FAST: Partial<JobSettings> = {
  pollMs: 150,
  progressMs: 200,
  assumedCheckpointMs: 150,
  assumedStartMs: 2_000,
  teardownMs: 2_300,
  killGraceMs: 1_000,
  retryMs: 200,
  waitMs: 300,
};

/** So long it may take until all is at rest: an operator may have to start for it. */
const REST_MS = 90_000;

/** A module that sets the wall clock of the process that loads it first; what measures durations stays as it is. */
function skewed(ms: number): string {
  const code = `const real = Date; globalThis.Date = class extends real {
    constructor(...args) { super(...(args.length === 0 ? [real.now() + ${ms}] : args)); }
    static now() { return real.now() + ${ms}; }
  };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** What a lane looks like from outside at one moment. */
export interface Seen {
  readonly goal: TrainingGoal | undefined;
  readonly plans: readonly TrainingPlan[];
  readonly jobs: readonly TrainingJob[];
}

export interface LaneOptions {
  readonly cluster: ControlPlane;
  readonly name: string;
  readonly settings?: Partial<JobSettings>;
  readonly trainerArguments?: readonly string[];
  /** Attempts are pods there; without, processes of the operator's own machine. */
  readonly site?: PodSite | undefined;
}

/**
 * A namespace, a provider and a goal's whole life with an operator that sees nothing else, behind a proxy of its own:
 * many lanes share one control plane.
 */
export class Lane {
  readonly world: World;
  readonly proxy: FaultProxy;
  readonly processes: ProcessWatch;
  readonly audit: AuditTail;
  /** How often an operator was killed. */
  kills = 0;
  readonly site: PodSite | undefined;
  #operator: ChildProcess | undefined;
  /** Epoch ms since when the operator that runs has its caches; undefined while it starts, or none runs. */
  #readySince: number | undefined;

  private constructor(world: World, proxy: FaultProxy, audit: AuditTail, site: PodSite | undefined) {
    this.site = site;
    this.world = world;
    this.proxy = proxy;
    this.audit = audit;
    this.processes = new ProcessWatch(world.workDir);
  }

  static async start({ cluster, name, settings = {}, trainerArguments = [], site }: LaneOptions): Promise<Lane> {
    const audit = await AuditTail.from(cluster.auditLogPath);
    const upstream = await operatorKubeconfig(cluster);
    const podAt = site && ((namespace: string, pod: string) => site.kubelet.addressOf(namespace, pod));
    const proxy = await FaultProxy.start({ upstream, scope: { namespace: name, name }, podAt });
    const trainer = ['--step-ms', '80', '--later-step-ms', '2', '--checkpoint-ms', '20', ...trainerArguments];
    const world = await World.start({
      cluster,
      namespace: name,
      provider: name,
      pricePerHour: PRICE,
      operatorKubeconfig: proxy.kubeconfig,
      quiet: true,
      settings: { ...FAST, ...settings },
      trainerArguments: trainer,
      ...(site !== undefined && { providerSpec: site.provider(name, PRICE) }),
    });
    const lane = new Lane(world, proxy, audit, site);
    const began: PodPlace['began'] = (...attempt) => lane.processes.began(...attempt);
    await site?.open(cluster, name, { folder: world.workDir, arguments: trainer, began });
    return lane;
  }

  /** Whether an operator of this lane runs. */
  get alive(): boolean {
    return this.#operator !== undefined && this.#operator.exitCode === null && this.#operator.signalCode === null;
  }

  get operatorPid(): number {
    if (!this.alive || this.#operator?.pid === undefined) throw new Error('no operator runs');
    return this.#operator.pid;
  }

  /** Starts an operator unless one runs. `clockMs` is how far its clock is ahead of the others'. */
  startOperator(clockMs = 0): void {
    if (this.alive) return;
    const nodeArguments = clockMs === 0 ? [] : ['--import', skewed(clockMs)];
    const operator = this.world.spawnOperator({ nodeArguments });
    this.#operator = operator;
    this.#readySince = undefined;
    operator.stdout?.on('data', (chunk: Buffer) => {
      if (this.#operator === operator && chunk.includes('ready')) this.#readySince = Date.now();
    });
  }

  /** As by the system's hand: it hears nothing of it. */
  async kill(): Promise<void> {
    const operator = this.#operator;
    if (operator === undefined || !this.alive) return;
    operator.kill('SIGKILL');
    await once(operator, 'exit');
    this.kills += 1;
  }

  /** A fault that kills the operator, at once or when its next call after the reply comes. */
  killed(at: 'before' | 'committed' | 'replied'): ProxyFault {
    return { at, run: () => this.kill() };
  }

  /** What was written in the lane's namespaces, oldest first. */
  async writes(): Promise<AuditEntry[]> {
    const here = await this.audit.writes(this.world.namespace);
    if (this.site === undefined) return here;
    const pods = await this.audit.writes(podsOf(this.world.namespace));
    return [...here, ...pods].sort((a, b) => Date.parse(a.stageTimestamp) - Date.parse(b.stageTimestamp));
  }

  /** The folder on this machine that a saved URI names. */
  folderOf(uri: string): string {
    return this.site?.folderOf(uri) ?? fileURLToPath(uri);
  }

  async look(): Promise<Seen> {
    const goals = this.world.goal(GOAL).catch(() => undefined);
    const [goal, plans, jobs] = await Promise.all([goals, this.world.plans(), this.world.jobs()]);
    return { goal, plans, jobs };
  }

  /** Names of attempts that began: by the process table, and by what a supervisor writes first, should it have been brief. */
  async started(): Promise<Set<string>> {
    const names = new Set(this.processes.seen.map(({ name }) => name));
    for await (const path of glob('*/instances/*/supervisor.json', { cwd: this.world.workDir })) {
      names.add(basename(dirname(path)));
    }
    return names;
  }

  /** What is left in the cluster of attempts, besides the records of those that were let go of. */
  async left(): Promise<string[]> {
    return (await this.site?.left(this.world.client, this.world.namespace)) ?? [];
  }

  /** Epoch ms of the last write that changed more than events; undefined before the first. */
  get lastWords(): number | undefined {
    return this.proxy.effective.findLast(({ call }) => call.resource !== 'events')?.at;
  }

  /**
   * Resolves when an operator has worked for so long without a write and nothing of an attempt is left. One that is gone
   * is started again: what its predecessor left undone at the very end is its to do.
   */
  async quiet(forMs: number): Promise<void> {
    await waitFor(
      `${this.world.namespace} to come to rest`,
      async () => {
        this.startOperator();
        const since = Math.max(this.#readySince ?? Number.POSITIVE_INFINITY, this.lastWords ?? 0);
        if (!(Date.now() - since >= forMs) || this.processes.live.length > 0) return undefined;
        return (await this.left()).length === 0 ? true : undefined;
      },
      { timeoutMs: REST_MS, everyMs: 100 },
    );
  }

  /** Ends everything and removes what can be removed. */
  async stop(): Promise<void> {
    await this.kill();
    await this.processes.stop();
    await this.proxy.stop();
    const providers = this.world.client.resource(ComputeProviderResource);
    await providers.status.patch({ name: this.world.namespace }, { status: { instances: 0 } }).catch(() => {});
    await providers.delete({ name: this.world.namespace }).catch(() => {});
    await this.world.stop();
  }
}
