import type { KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import { nodeUnavailable } from '@kriptik/tools/controlplane/node/available.ts';
import { chooseSource, sourceFacts } from '@kriptik/tools/controlplane/source.ts';
import type { ControlPlane, ControlPlaneOptions } from '@kriptik/tools/controlplane/types.ts';
import { INSTALLED } from './installed.ts';
import { waitFor } from './wait.ts';

/** A cluster with a node that runs pods. */
export interface TestNode {
  readonly cluster: ControlPlane;
  readonly client: KubeClient;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly nodeName: string;
  /** This machine as pods see it; undefined where pods run on other machines. */
  readonly hostAddress: string | undefined;
  /** Whether this machine reaches the addresses of pods. Elsewhere use the API server's pod proxy. */
  readonly podIpReachable: boolean;
  /** Loads an archive made by `test/support/images.ts`; resolves with the names it can be used by. */
  importImage(archive: string): Promise<readonly string[]>;
  /** Takes no new pods and evicts those that run, as `kubectl drain` does; resolves when they are gone. */
  drain(): Promise<void>;
  /** Takes pods again. */
  uncordon(): Promise<void>;
  /** Ends the API server at once; data, address and keys stay. */
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  /** Cuts the node off: its kubelet ends, its containers run on. */
  stopKubelet(): Promise<void>;
  startKubelet(): Promise<void>;
  stop(how?: { keepLogs?: boolean }): Promise<void>;
}

/** For each of its programs, on a machine that other suites keep busy. */
const READY_MS = 180_000;

/** Why `startNode` cannot work here, with a remedy; undefined where it can. Print it, and test nothing. */
export function nodeUnavailableHere(): string | undefined {
  return chooseSource(sourceFacts(undefined, process.env)) === 'embedded' ? nodeUnavailable() : undefined;
}

/**
 * The cluster of KUBECONFIG or kind, whose nodes must run pods, else a control plane and node of our own, on which
 * NetworkPolicies hold; with the product's definitions and policies installed.
 * @throws Error when no node is Ready, or what {@link nodeUnavailable} says.
 */
export async function startNode(options: Omit<ControlPlaneOptions, 'node'> = {}): Promise<TestNode> {
  const cluster = await startControlPlane({ auditLog: true, readyTimeoutMs: READY_MS, ...options, node: true });
  try {
    await cluster.applyManifests(INSTALLED);
    await cluster.node?.enforceNetworkPolicies();
    return testNode(cluster, cluster.node?.name ?? (await readyNode(cluster.client)));
  } catch (error) {
    await cluster.stop({ keepLogs: true });
    throw error;
  }
}

function testNode(cluster: ControlPlane, nodeName: string): TestNode {
  const { client, node, apiServer } = cluster;
  const ours = <T>(what: T | undefined, wish: string): T => {
    if (what !== undefined) return what;
    throw new Error(`${wish} is possible only on a node of our own: unset KUBECONFIG, or leave this test out.`);
  };
  return {
    cluster,
    client,
    kubeconfig: cluster.kubeconfigPath,
    nodeName,
    hostAddress: node?.hostAddress,
    podIpReachable: node !== undefined,
    importImage: (archive) => ours(node, 'Loading an image').importImage(archive),
    drain: () => drain(client, nodeName),
    uncordon: () => setUnschedulable(client, nodeName, false),
    stopApiServer: () => ours(apiServer, 'Stopping the API server').stop(),
    startApiServer: () => ours(apiServer, 'Starting the API server').start(),
    stopKubelet: () => ours(node, 'Stopping the kubelet').stopKubelet(),
    startKubelet: () => ours(node, 'Starting the kubelet').startKubelet(),
    stop: (how) => cluster.stop(how),
  };
}

interface NodeObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function readyNode(client: KubeClient): Promise<string> {
  const { items } = (await client.call('GET', '/api/v1/nodes')) as { items: readonly NodeObject[] };
  const ready = items.find(
    ({ spec, status }) =>
      !spec.unschedulable && status.conditions?.some(({ type, status: held }) => type === 'Ready' && held === 'True'),
  );
  if (ready) return ready.metadata.name;
  throw new Error('The given cluster has no node that is Ready and takes pods. Add one, or unset KUBECONFIG.');
}

async function setUnschedulable(client: KubeClient, nodeName: string, unschedulable: boolean): Promise<void> {
  await client.call('PATCH', `/api/v1/nodes/${nodeName}`, {
    body: { spec: { unschedulable } },
    contentType: 'application/merge-patch+json',
  });
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
  readonly status: { readonly phase: string };
}

async function drain(client: KubeClient, nodeName: string): Promise<void> {
  await setUnschedulable(client, nodeName, true);
  const running = async () => {
    const selector = encodeURIComponent(`spec.nodeName=${nodeName}`);
    const { items } = (await client.call('GET', `/api/v1/pods?fieldSelector=${selector}`)) as { items: readonly Pod[] };
    return items.filter(({ metadata, status }) => {
      const fixed = metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node') ?? false;
      const over = status.phase === 'Succeeded' || status.phase === 'Failed';
      // A pod that is being evicted may have failed by then; it is waited for until its object is gone.
      return !fixed && (metadata.deletionTimestamp !== undefined || !over);
    });
  };
  // Asked again while a disruption budget refuses (429); a pod that is gone (404) is what was wanted.
  const empty = async () => {
    const pods = await running();
    await Promise.all(pods.map(({ metadata }) => evict(client, metadata)));
    return pods.length === 0 || undefined;
  };
  await waitFor(`a drained ${nodeName}`, empty, { timeoutMs: 120_000, everyMs: 500 });
}

async function evict(client: KubeClient, { name, namespace, uid }: Pod['metadata']): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  };
  const { status } = await client.send('POST', path, { body });
  if (status >= 300 && status !== 404 && status !== 409 && status !== 429) {
    throw new Error(`Evicting ${namespace}/${name} was refused with status ${status}.`);
  }
}
