import { randomBytes } from 'node:crypto';
import { loadKubeConfig } from '../../../runtime/kubeconfig.ts';
import { KubeClient } from '../../../runtime/rest.ts';
import { exampleSpec } from '../../../trainer/testing/example-spec.ts';
import type { Instance, LaunchRequest } from '../../backend.ts';
import { until } from '../../testing/until.ts';
import { type Clients, clientsOf } from '../cluster.ts';
import { createKubernetesBackend, type KubernetesBackend } from '../index.ts';
import { selectorOf } from '../names.ts';
import type { Pod } from '../objects.ts';
import type { KubernetesSettings } from '../settings.ts';

export const IMAGE = `registry.example/trainer@sha256:${'a'.repeat(64)}`;

/** Settings of a provider with one kind of GPU, and what a test changes. */
export const settingsFor = (namespace: string, more: Partial<KubernetesSettings> = {}): KubernetesSettings => ({
  provider: 'cluster',
  namespace,
  spec: { image: IMAGE, resources: { cpu: '1', memory: '1Gi' } },
  productsOf: (gpu) => (gpu === 'H100-SXM-80GB' ? ['NVIDIA-H100-80GB-HBM3'] : []),
  offered: ['cpu'],
  store: { uri: 's3://models/kriptik' },
  operatorNamespace: 'kriptik-system',
  podAccess: 'proxy',
  ...more,
});

/**
 * A request that runs on one machine without a GPU unless told otherwise. Its job is in a namespace of its own: owned by
 * a job that does not exist, objects would be collected as garbage.
 */
export const requestFor = (name: string, more: Partial<LaunchRequest> = {}): LaunchRequest => ({
  name,
  job: { namespace: 'team-a', name: 'helpdesk', uid: '0e5a1c3e-7d2b-4f3a-9c1d-2b6f8e4a7c10' },
  token: `token-of-${name}`,
  spec: exampleSpec(name, 's3://models/kriptik/uid-1'),
  shape: { gpu: 'cpu', gpuCount: 0, nodes: 1 },
  ...more,
});

/** A client of the API server that a kubeconfig names. */
export const clientOf = (kubeconfig: string): KubeClient =>
  KubeClient.fromKubeConfig(loadKubeConfig({ path: kubeconfig }), { userAgent: 'kubernetes-backend-test/1' });

/** A namespace on a real API server whose pods no kubelet runs: the test plays the node by patching their status. */
export class Bench {
  readonly kube: KubeClient;
  readonly clients: Clients;
  readonly namespace: string;

  private constructor(kube: KubeClient, namespace: string) {
    this.kube = kube;
    this.clients = clientsOf(kube);
    this.namespace = namespace;
  }

  static async open(kubeconfig: string, labels: Record<string, string> = {}): Promise<Bench> {
    const kube = clientOf(kubeconfig);
    const namespace = `nodes-${randomBytes(4).toString('hex')}`;
    await kube.raw('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    });
    return new Bench(kube, namespace);
  }

  settings(more: Partial<KubernetesSettings> = {}): KubernetesSettings {
    return settingsFor(this.namespace, more);
  }

  backend(more: Partial<KubernetesSettings> = {}, now?: () => number): KubernetesBackend {
    return createKubernetesBackend(this.kube, this.settings(more), now);
  }

  request(name: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
    return requestFor(name, more);
  }

  async pods(name: string): Promise<Pod[]> {
    return (await this.clients.pods.list({ namespace: this.namespace, labelSelector: selectorOf(name) })).items;
  }

  /** Waits until the Job controller has made the pods. */
  madePods(name: string, count = 1): Promise<Pod[]> {
    return until(`${name} has ${count} pods`, async () => {
      const pods = await this.pods(name);
      return pods.length === count ? pods : undefined;
    });
  }

  /** Binds a pod to a node, as the scheduler does. */
  async bind(pod: Pod, node = 'node-1'): Promise<void> {
    const { name, namespace } = pod.metadata;
    await this.kube.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      },
    });
  }

  /** Writes a pod's status, as a kubelet does. */
  report(pod: Pod, status: object): Promise<Pod> {
    return this.clients.pods.status.patch(pod.metadata, { status });
  }

  async run(pod: Pod, ip = '10.0.0.1'): Promise<void> {
    await this.bind(pod);
    await this.report(pod, {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      ...containerState({ running: { startedAt: now() } }),
    });
  }

  async end(pod: Pod, terminated: object = { exitCode: 0 }): Promise<void> {
    const code = 'exitCode' in terminated ? terminated.exitCode : 0;
    await this.report(pod, {
      phase: code === 0 ? 'Succeeded' : 'Failed',
      ...containerState({ terminated: { startedAt: now(), finishedAt: now(), ...terminated } }),
    });
  }

  /** What a kubelet does with pods that are marked for deletion: end them, then let them go. */
  async letGo(name: string): Promise<void> {
    for (const pod of await this.pods(name)) {
      if (pod.metadata.deletionTimestamp === undefined) continue;
      const bound = (pod.spec.nodeName ?? '') !== '';
      if (bound && pod.status?.phase === 'Running') await this.end(pod, { exitCode: 137 }).catch(() => undefined);
      await this.clients.pods
        .delete({ namespace: this.namespace, name: pod.metadata.name }, { gracePeriodSeconds: 0 })
        .catch(() => undefined);
    }
  }

  /** Waits until an attempt is in a state; `ms` at most. */
  state(backend: KubernetesBackend, name: string, state: Instance['state'], ms?: number): Promise<Instance> {
    const found = async () => {
      const instance = await backend.find(name);
      return instance?.state === state ? instance : undefined;
    };
    return until(`${name} is ${state}`, found, ms);
  }

  async close(): Promise<void> {
    for (const pod of (await this.clients.pods.list({ namespace: this.namespace })).items) {
      await this.clients.pods.delete(pod.metadata, { gracePeriodSeconds: 0 }).catch(() => undefined);
    }
    await this.kube.raw('DELETE', `/api/v1/namespaces/${this.namespace}`);
    await this.kube.close();
  }
}

const now = (): string => new Date().toISOString();

const containerState = (state: object): object => ({
  containerStatuses: [{ name: 'trainer', image: IMAGE, imageID: '', ready: false, restartCount: 0, state }],
});
