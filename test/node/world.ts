import { createHash } from 'node:crypto';
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { pathToFileURL } from 'node:url';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ComputeProviderSpec, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { API_VERSION, ComputeProviderResource, TrainingJobResource, TrainingPlanResource } from '@kriptik/crds';
import { SOURCE, trainerImage } from '../support/images.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { waitFor } from '../support/wait.ts';
import { World } from '../support/world.ts';
import { type Claim, makeClaim } from './claim.ts';
import { tinyModelCache } from './tiny-model.ts';

/** USD an hour of one pod; with the fee $0.0011 a second. */
export const PRICE = 3.6;
export const USD_PER_SECOND = (PRICE * 1.1) / 3600;

/** Steps of each run; before it is disturbed each takes three quarters of a second and a little. */
export const STEPS = 60;

/** For starts and runs of trainers, on a machine that other suites keep busy. */
const PATIENCE_MS = 600_000;

const STORE_SECRET = 'checkpoint-store';
const HUB_SECRET = 'hub';

/** Stands for a read token of the Hub, which nobody asks here. */
export const HUB_TOKEN = 'hf_of-the-node-tests';

/** What docs/kubernetes.md has people bind in the namespace of the pods, for an operator outside of the cluster. */
const RUNNER_BINDINGS = ['kriptik-trainer-runner', 'kriptik-trainer-proxy'].map((name) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name, namespace: 'team' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ kind: 'ServiceAccount', name: 'kriptik-operator', namespace: 'kriptik-system' }],
}));

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status: { readonly phase: string; readonly podIP?: string };
}

/** A cluster with a real node, a real S3 server, the trainer's image, and an operator outside of it. */
export class NodeWorld {
  readonly node: TestNode;
  readonly s3: TestS3;
  readonly world: World;

  readonly #bucket: S3Client;
  readonly #data: string;
  readonly #providerSpec: ComputeProviderSpec;
  #claim: Claim | undefined;

  private constructor(node: TestNode, s3: TestS3, world: World, data: string, providerSpec: ComputeProviderSpec) {
    this.#data = data;
    this.#providerSpec = providerSpec;
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    this.#bucket = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    this.node = node;
    this.s3 = s3;
    this.world = world;
  }

  static async start(): Promise<NodeWorld> {
    const node = await startNode();
    const image = await trainerImage();
    await node.importImage(image.path);
    const s3 = await startS3({ host: node.hostAddress ?? '127.0.0.1' });
    const cache = await tinyModelCache();
    // Not below /tmp, which pods have one of their own of.
    const data = await mkdtemp('/var/tmp/kriptik-node-');
    await chmod(data, 0o755);
    const slow = join(data, 'slow');
    await cp(join(import.meta.dirname, '..', 'support', 'slow'), slow, { recursive: true });
    await chmod(slow, 0o755);
    await chmod(join(slow, 'sitecustomize.py'), 0o644);
    const rows = Array.from(
      { length: 200 },
      (_, n) => `{"question":"What is ${n} plus one?","answer":"It is ${n + 1}."}\n`,
    );
    await writeFile(join(data, 'rows.jsonl'), rows.join(''));
    const providerSpec: ComputeProviderSpec = {
      type: 'kubernetes',
      prices: { source: 'declared', declared: [{ gpu: 'cpu', pricePerHour: PRICE.toFixed(2) }] },
      store: {
        uri: `s3://${s3.bucket}/jobs`,
        endpoint: s3.endpoint,
        region: s3.region,
        credentialsRef: { name: STORE_SECRET, namespace: 'team' },
      },
      kubernetes: {
        namespace: 'team',
        image: image.reference,
        imagePullPolicy: 'Never',
        hubTokenRef: { name: HUB_SECRET, namespace: 'team' },
        // Time to save when a busy node is drained; as much money is kept back for it.
        terminationGracePeriodSeconds: 30,
        resources: { cpu: '900m', memory: '2500Mi', scratch: '1Gi', sharedMemory: '64Mi' },
        volumes: [
          ...image.volumes,
          { name: 'tiny-model', hostPath: cache, mountPath: cache, readOnly: true },
          { name: 'data', hostPath: data, mountPath: data, readOnly: true },
        ],
        env: [
          { name: 'HF_HUB_CACHE', value: cache },
          { name: 'HF_HUB_OFFLINE', value: '1' },
          { name: 'OMP_NUM_THREADS', value: '1' },
          // What is disturbed must last, and on every machine at least as long.
          { name: 'PYTHONPATH', value: `${slow}:${SOURCE}` },
          { name: 'KRIPTIK_TRAINER_SLOW', value: '0.75 (?!calm)' },
        ],
      },
    };
    const world = await World.start({
      cluster: node.cluster,
      provider: 'cluster',
      settings: {
        pollMs: 300,
        progressMs: 500,
        assumedCheckpointMs: 2_000,
        assumedStartMs: 2_000,
        teardownMs: 5_000,
        killGraceMs: 1_000,
        retryMs: 500,
        waitMs: 1_000,
      },
      providerSpec,
    });
    const secret = (name: string, stringData: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'team' },
      stringData,
    });
    await world.controlPlane.applyManifests([
      secret(STORE_SECRET, { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey }),
      secret(HUB_SECRET, { token: HUB_TOKEN }),
      ...RUNNER_BINDINGS,
    ]);
    return new NodeWorld(node, s3, world, data, providerSpec);
  }

  /** Keeps the checkpoints of goals that are made meanwhile on a claim: another provider takes over from the usual one. */
  async withClaims(use: () => Promise<void>): Promise<void> {
    const { cluster, nodeName } = this.node;
    this.#claim ??= await makeClaim(cluster, { name: 'checkpoints', namespace: 'team', nodeName });
    await this.world.client.resource(ComputeProviderResource).create({
      apiVersion: API_VERSION,
      kind: 'ComputeProvider',
      metadata: { name: 'claims' },
      spec: { ...this.#providerSpec, store: { uri: `pvc://${this.#claim.name}/jobs` } },
    });
    await this.#swap('cluster', 'claims');
    await use();
    await this.#swap('claims', 'cluster');
  }

  /** New attempts run on `to` from now on. */
  async #swap(from: string, to: string): Promise<void> {
    const providers = this.world.client.resource(ComputeProviderResource);
    await providers.patch({ name: from }, { spec: { enabled: false } });
    await providers.patch({ name: to }, { spec: { enabled: true } });
    await waitFor(`${to} to be had instead of ${from}`, async () => {
      const ready = async (name: string): Promise<string | undefined> => {
        const { metadata, status } = await providers.get({ name });
        if (status?.observedGeneration !== metadata.generation) return undefined;
        return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
      };
      return (await ready(from)) === 'False' && (await ready(to)) === 'True' ? true : undefined;
    });
  }

  /** Creates a goal of so many steps on so many pods, and approves its plan. */
  async launch(
    name: string,
    { limit = '5.00', pods = 1, steps = STEPS }: { limit?: string; pods?: number; steps?: number } = {},
  ): Promise<void> {
    const { world } = this;
    await world.createGoal(name, {
      goal: 'Train a small assistant with LoRA that answers questions like our help desk, from our file.',
      budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 },
      data: [{ uri: pathToFileURL(join(this.#data, 'rows.jsonl')).href }],
      constraints: { maxSteps: steps, checkpointEverySteps: 10, batchSize: 2, maxLength: 64 },
    });
    if (pods > 1) await this.#choosePods(name, pods);
    await world.approve(name);
  }

  async #choosePods(name: string, pods: number): Promise<void> {
    const goal = await this.world.goalIn(name, 'AwaitingApproval');
    const key = { namespace: 'team', name: goal.status?.planRef?.name ?? '' };
    const plans = this.world.client.resource(TrainingPlanResource);
    await plans.patch(key, { spec: { selection: { gpu: `cluster/${pods}x1xcpu` } } });
    await waitFor(`a plan for ${pods} pods`, async () => {
      const plan: TrainingPlan = await plans.get(key);
      return plan.status?.resolved?.compute.nodes === pods &&
        plan.status.observedGeneration === plan.metadata.generation
        ? true
        : undefined;
    });
  }

  async job(goal: string): Promise<TrainingJob> {
    const found = (await this.world.jobs()).filter((job) => job.spec.goalRef.name === goal).at(-1);
    if (found === undefined) throw new Error(`goal ${goal} has no job`);
    return found;
  }

  /** Waits until the goal's job satisfies `holds`. */
  async jobThat(
    what: string,
    goal: string,
    holds: (job: TrainingJob) => boolean,
    timeoutMs = PATIENCE_MS,
  ): Promise<TrainingJob> {
    let last: TrainingJob | undefined;
    try {
      return await waitFor(
        `a job of ${goal} that ${what}`,
        async () => {
          last = (await this.world.jobs()).filter((job) => job.spec.goalRef.name === goal).at(-1);
          return last !== undefined && holds(last) ? last : undefined;
        },
        { timeoutMs, everyMs: 200 },
      );
    } catch (error) {
      throw new Error(`${String(error)}; it is ${JSON.stringify(last?.status, undefined, 1)}`, { cause: error });
    }
  }

  async inPhase(goal: string, ...phases: string[]): Promise<TrainingJob> {
    return await this.jobThat(`is ${phases.join(' or ')}`, goal, ({ status }) => phases.includes(status?.phase ?? ''));
  }

  async past(goal: string, step: number): Promise<TrainingJob> {
    return await this.jobThat(`is past step ${step}`, goal, ({ status }) => {
      if (status?.phase === 'Failed') throw new Error(JSON.stringify(status));
      return (status?.progress?.step ?? 0) >= step;
    });
  }

  /** Lowers the limit so that it is reached in about so many seconds, whatever the machine's speed. */
  async limitIn(goal: string, seconds: number): Promise<number> {
    const { status } = await this.job(goal);
    const spent = Number(status?.cost?.spent) + Number(status?.cost?.reserve);
    const limit = (spent + seconds * USD_PER_SECOND * (await this.pods(goal)).length).toFixed(4);
    await this.world.setBudget(goal, limit);
    return Number(limit);
  }

  /** Pods of a goal's job that exist, whatever their state. */
  async pods(goal: string): Promise<Pod[]> {
    const job = await this.job(goal);
    const names = new Set((job.status?.attempts ?? []).map(({ name }) => name));
    const { items } = await this.world.client.raw<{ items: Pod[] }>('GET', '/api/v1/namespaces/team/pods');
    return items.filter(({ metadata }) => names.has(metadata.labels?.['training.kriptik.ai/attempt'] ?? ''));
  }

  /** Jobs that look into the claim, by name. */
  async readers(): Promise<string[]> {
    const { items } = await this.world.client.raw<{ items: Pod[] }>('GET', '/apis/batch/v1/namespaces/team/jobs');
    return items.map(({ metadata: { name } }) => name).filter((name) => name.startsWith('kriptik-reader-'));
  }

  async noPods(goal: string): Promise<void> {
    await waitFor('no pods', async () => ((await this.pods(goal)).length === 0 ? true : undefined));
  }

  /** Processes of this machine that belong to the pod, by its control group. */
  async processesOf({ metadata: { uid } }: Pod): Promise<{ pid: number; command: string }[]> {
    const found: { pid: number; command: string }[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const group = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      if (!group.includes(uid) && !group.includes(uid.replaceAll('-', '_'))) continue;
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      if (command.includes('kriptik_trainer')) found.push({ pid: Number(pid), command });
    }
    return found;
  }

  /** What a trainer's process was given: its variables, and a file as it sees it. */
  async givenTo(pid: number, path: string): Promise<{ variables: string[]; file: string }> {
    const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    return { variables, file: await readFile(join('/proc', `${pid}`, 'root', path), 'utf8') };
  }

  async #object(uri: string): Promise<Buffer> {
    const { protocol, host, pathname } = new URL(uri);
    if (protocol === 'pvc:' && this.#claim !== undefined) return await this.#claim.read(uri);
    const { Body } = await this.#bucket.send(new GetObjectCommand({ Bucket: host, Key: pathname.slice(1) }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  /** Reads what a job saved from the S3 server or the claim, without any code of the operator; throws what is wrong with it. */
  async readBack({ uri, manifestSha256 }: { uri: string; manifestSha256: string }): Promise<Map<string, string>> {
    const manifest = await this.#object(`${uri.replace(/\/$/, '')}/MANIFEST.json`);
    if (sha256(manifest) !== manifestSha256) throw new Error(`${uri}: another manifest than the one on record`);
    const { files } = JSON.parse(manifest.toString('utf8')) as {
      files: { path: string; size: number; sha256: string }[];
    };
    if (files.length === 0) throw new Error(`${uri}: nothing is saved`);
    for (const { path, size, sha256: expected } of files) {
      const content = await this.#object(`${uri.replace(/\/$/, '')}/${path}`);
      if (content.length !== size || sha256(content) !== expected) throw new Error(`${uri}/${path} does not match`);
    }
    return new Map(files.map(({ path, sha256: hash }) => [path, hash]));
  }

  /** Hashes of the trained weights by artifact and file; what else an artifact holds has dates in it. */
  async weights(goal: string): Promise<Map<string, string>> {
    const { status } = await this.inPhase(goal, 'Succeeded');
    const weights = new Map<string, string>();
    for (const artifact of status?.artifacts ?? []) {
      for (const [path, hash] of await this.readBack(artifact)) {
        if (path.endsWith('.safetensors')) weights.set(`${artifact.name}/${path}`, hash);
      }
    }
    if (weights.size === 0) throw new Error(`${goal} has no weights`);
    return weights;
  }

  async scale(goal: string, replicas: number): Promise<void> {
    const { metadata } = await this.job(goal);
    const key = { namespace: 'team', name: metadata.name };
    await this.world.client.resource(TrainingJobResource).patch(key, { spec: { replicas } });
  }

  async stop(): Promise<void> {
    await this.world.stop();
    this.#bucket.destroy();
    await this.s3.stop();
    await this.node.stop();
    await this.#claim?.remove();
    await rm(this.#data, { recursive: true, force: true });
  }
}

/** Ends processes without a word; the end of one may have been that of another. */
export function killAll(processes: readonly { readonly pid: number }[]): void {
  for (const { pid } of processes) {
    try {
      kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
