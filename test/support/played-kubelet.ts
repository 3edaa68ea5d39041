import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTAINER, LABEL, SECRET_KEY } from '@kriptik/operator/backends/kubernetes/names.ts';
import { PODS, type Pod, SECRETS } from '@kriptik/operator/backends/kubernetes/objects.ts';
import { isNotFound } from '@kriptik/operator/runtime/errors.ts';
import { Informer } from '@kriptik/operator/runtime/informer.ts';
import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { createLogger } from '@kriptik/operator/runtime/log.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { keyOf } from '@kriptik/operator/runtime/types.ts';
import { trainerSpecFile } from '@kriptik/operator/trainer/spec.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { attemptIn } from './attempt-names.ts';

/** As the API server's log names it. */
export const KUBELET = 'played-kubelet';
const NODE = 'played';
/** Less than half of the time after which a node that says nothing counts as lost. */
const BEAT_MS = 10_000;
/** Of documentation (RFC 5737): nothing answers there. */
const ADDRESS = '192.0.2.1';
const SCRIPT = join(import.meta.dirname, 'fake-trainer.ts');

/** How the pods of one namespace are run. */
export interface PodPlace {
  /** A folder `instances/ATTEMPT` is made in it for each attempt. */
  readonly folder: string;
  /** Arguments of the stand-in trainer. */
  readonly arguments: readonly string[];
  /** Told of each trainer just after it was started. */
  readonly began?: (attempt: string, folder: string, token: string) => void;
}

/**
 * One node whose kubelet is played: each pod of an attempt is a process of this machine that runs the stand-in trainer.
 * It is reached through the pod proxy alone, which has to ask where ({@link addressOf}): the address that the pod has is
 * the same for all. It ends pods as a kubelet does: SIGTERM, after the grace SIGKILL, and only when the
 * process is gone it says so and lets the pod go.
 */
export class PlayedKubelet {
  readonly #client: KubeClient;
  readonly #pods: Informer<Pod>;
  readonly #places = new Map<string, PodPlace>();
  readonly #processes = new Map<string, ChildProcess>();
  /** Ends of trainers that are being told. */
  readonly #endings = new Set<Promise<void>>();
  /** What is done about a pod, one thing after the other. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #beat: NodeJS.Timeout;

  private constructor(client: KubeClient) {
    this.#client = client;
    const log = createLogger({ name: KUBELET, level: 'silent' });
    this.#pods = new Informer<Pod>({ client: client.resource(PODS), log, labelSelector: LABEL.attempt });
    this.#pods.onEvent({ add: (pod) => this.#seen(pod), update: (_, pod) => this.#seen(pod) });
    this.#beat = setInterval(() => void this.#sayReady().catch(() => {}), BEAT_MS);
  }

  static async start(cluster: ControlPlane): Promise<PlayedKubelet> {
    const config = loadKubeConfig({ path: cluster.kubeconfigPath });
    const client = KubeClient.fromKubeConfig(config, { userAgent: KUBELET, qps: 1_000, burst: 1_000 });
    await client.raw('POST', '/api/v1/nodes', {
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE, labels: { 'kubernetes.io/hostname': NODE } } },
    });
    const kubelet = new PlayedKubelet(client);
    await kubelet.#sayReady();
    kubelet.#pods.start();
    await kubelet.#pods.waitForSync();
    return kubelet;
  }

  /** Runs the pods of a namespace from now on. */
  serve(namespace: string, place: PodPlace): void {
    this.#places.set(namespace, place);
  }

  /** Base URL of the trainer that runs in a pod; undefined where none answers yet, or any more. */
  async addressOf(namespace: string, pod: string): Promise<string | undefined> {
    const attempt = attemptIn(pod)?.name ?? '';
    const path = join(this.#places.get(namespace)?.folder ?? '', 'instances', attempt, 'port.json');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : `http://127.0.0.1:${(JSON.parse(text) as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#beat);
    await this.#pods.stop();
    for (const child of this.#processes.values()) child.kill('SIGKILL');
    await Promise.allSettled([...this.#turns.values(), ...this.#endings]);
    await this.#client.close();
  }

  async #sayReady(): Promise<void> {
    const now = new Date().toISOString();
    const capacity = { cpu: '64', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '1000' };
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'played', lastHeartbeatTime: now };
    await this.#client.raw('PATCH', `/api/v1/nodes/${NODE}/status`, {
      body: { status: { capacity, allocatable: capacity, conditions: [{ ...ready, lastTransitionTime: now }] } },
      contentType: 'application/strategic-merge-patch+json',
    });
  }

  #seen(pod: Pod): void {
    const { uid = '', namespace = '' } = pod.metadata;
    const place = this.#places.get(namespace);
    if (place === undefined) return;
    const turn = (this.#turns.get(uid) ?? Promise.resolve()).then(() => this.#act(pod, place));
    // A pod that went meanwhile, or another version of it: the next event tells.
    this.#turns.set(
      uid,
      turn.catch(() => {}),
    );
  }

  async #act(pod: Pod, place: PodPlace): Promise<void> {
    const { uid = '', deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata as Deleted;
    const child = this.#processes.get(uid);
    if (deletionTimestamp !== undefined) {
      if (child === undefined) await this.#letGo(pod);
      else endAfter(child, Number(deletionGracePeriodSeconds) * 1000);
      return;
    }
    const bound = (pod.spec.nodeName ?? '') !== '';
    if (!bound) return await this.#bind(pod);
    if (child === undefined && pod.status?.phase === 'Pending') await this.#start(pod, place);
  }

  async #bind({ metadata: { namespace, name } }: Pod): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    await this.#client.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, { body });
  }

  async #start(pod: Pod, place: PodPlace): Promise<void> {
    const { uid = '', namespace = '', labels } = pod.metadata;
    const attempt = labels?.[LABEL.attempt] ?? '';
    const secret = await this.#client.resource(SECRETS).get({ namespace, name: attempt });
    const text = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
    const folder = join(place.folder, 'instances', attempt);
    const file = (name: string): string => join(folder, name);
    await mkdir(folder, { recursive: true });
    await writeFile(file('token'), text(SECRET_KEY.token), { mode: 0o600 });
    const control = { host: '127.0.0.1', port: 0, tokenFile: file('token'), portFile: file('port.json') };
    const spec = trainerSpecFile.parse({ ...(JSON.parse(text(SECRET_KEY.spec)) as object), control });
    await writeFile(file('spec.json'), JSON.stringify(spec));
    const startedAt = new Date().toISOString();
    const child = spawn(process.execPath, [SCRIPT, ...place.arguments, 'run', '--spec', file('spec.json')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#processes.set(uid, child);
    place.began?.(attempt, folder, text(SECRET_KEY.token));
    const ending = this.#untilEnded(pod, child, startedAt);
    this.#endings.add(ending);
    void ending.finally(() => this.#endings.delete(ending));
    await this.#tell(pod, { phase: 'Running', podIP: ADDRESS, podIPs: [{ ip: ADDRESS }] }, { running: { startedAt } });
  }

  async #untilEnded(pod: Pod, child: ChildProcess, startedAt: string): Promise<void> {
    await once(child, 'exit');
    await this.#ended(pod, child, startedAt);
  }

  async #ended(pod: Pod, { exitCode }: ChildProcess, startedAt: string): Promise<void> {
    const { uid = '' } = pod.metadata;
    await this.#turns.get(uid);
    this.#processes.delete(uid);
    // A process that a signal ended has no code of its own.
    const code = exitCode ?? 137;
    const finishedAt = new Date().toISOString();
    const phase = code === 0 ? 'Succeeded' : 'Failed';
    try {
      await this.#tell(pod, { phase }, { terminated: { exitCode: code, startedAt, finishedAt } });
      const { metadata } = await this.#client.resource(PODS).get(keyOf(pod));
      if (metadata.deletionTimestamp !== undefined) await this.#letGo(pod);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #tell(pod: Pod, status: object, state: object): Promise<void> {
    const container = { name: CONTAINER, image: 'none', imageID: '', ready: false, restartCount: 0, state };
    await this.#client
      .resource(PODS)
      .status.patch(keyOf(pod), { status: { ...status, containerStatuses: [container] } });
  }

  async #letGo(pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await this.#client.resource(PODS).delete(keyOf(pod), { gracePeriodSeconds: 0, ...preconditions });
  }
}

type Deleted = Pod['metadata'] & { readonly deletionGracePeriodSeconds?: number };

function endAfter(child: ChildProcess, graceMs: number): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.once('exit', () => clearTimeout(timer));
}
