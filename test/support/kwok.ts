import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { stderrProgress } from '@kriptik/tools/controlplane/binaries/progress.ts';
import { resolvePrograms } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import { createRunDirectory, defaultRunRoot } from '@kriptik/tools/controlplane/processes/rundir.ts';
import { supervise } from '@kriptik/tools/controlplane/processes/supervised.ts';
import { endRecorded } from '@kriptik/tools/controlplane/processes/sweep.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { waitFor } from './wait.ts';

export interface KwokOptions {
  /** How many nodes there are. */
  readonly nodes: number;
  /**
   * Where pods get their addresses from. From 127.64.0.0/10, say, one server on 0.0.0.0 answers for every pod.
   * @default 127.64.0.0/10
   */
  readonly podCidr?: string;
  /** What each node has. @default 64 CPUs, 1 TiB of memory, 1000 pods and 8 GPUs */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Nodes that exist in the API only. */
export interface KwokNodes {
  readonly names: readonly string[];
  stop(): Promise<void>;
}

/**
 * Plays the kubelets of many nodes: pods that are bound to one run at once and until they are deleted, and then go at
 * once. Nothing is executed. The control plane needs a scheduler (`startControlPlane({ scheduler: true })`).
 */
export async function startKwok(cluster: ControlPlane, options: KwokOptions): Promise<KwokNodes> {
  const env = process.env;
  const programs = await resolvePrograms(['kwok'], { cache: cacheRoot(env), env, progress: stderrProgress() });
  const directory = await createRunDirectory(defaultRunRoot(), Date.now());
  const supervised = supervise(directory.path, { removeWhenOrphaned: true });
  const stop = async () => {
    await supervised.stop({ graceMs: 0, remove: false });
    await endRecorded(directory.path);
    directory.release();
  };
  try {
    const stages = join(directory.path, 'stages.yaml');
    writeFileSync(stages, STAGES);
    const names = Array.from({ length: options.nodes }, (_, index) => `kwok-${index}`);
    await supervised.start('kwok', programs.get('kwok')?.path ?? '', [
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--config=${stages}`,
      '--manage-nodes-with-label-selector=type=kwok',
      `--cidr=${options.podCidr ?? '127.64.0.0/10'}`,
      // Renewed four times in it: seldom, and well within what the node controller waits before it calls a node lost.
      '--node-lease-duration-seconds=100',
    ]);
    for (const name of names) await makeNode(cluster, name, options);
    const ready = async () => {
      const { items } = (await cluster.client.call('GET', '/api/v1/nodes?labelSelector=type%3Dkwok')) as NodeList;
      return items.filter(isReady).length >= names.length || undefined;
    };
    await Promise.race([waitFor('the nodes', ready, { everyMs: 200 }), supervised.whenEnded('kwok')]);
    return { names, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface NodeList {
  readonly items: readonly {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

function isReady({ status }: NodeList['items'][number]): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

const CAPACITY = { cpu: '64', memory: '1Ti', 'ephemeral-storage': '10Ti', pods: '1000', 'nvidia.com/gpu': '8' };

async function makeNode({ client }: ControlPlane, name: string, options: KwokOptions): Promise<void> {
  const { capacity = CAPACITY, labels = {} } = options;
  await client.call('POST', '/api/v1/nodes', {
    body: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { type: 'kwok', 'kubernetes.io/hostname': name, ...labels } },
      status: { capacity, allocatable: capacity },
    },
  });
}

/** What happens to nodes and pods: nodes become Ready, pods run, and go when they are deleted. */
const STAGES = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: node-ready
spec:
  resourceRef: { apiGroup: v1, kind: Node }
  selector:
    matchExpressions:
    - { key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"] }
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range NodeConditions }}
      - lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ $now | Quote }}
        message: {{ .message | Quote }}
        reason: {{ .reason | Quote }}
        status: {{ .status | Quote }}
        type: {{ .type | Quote }}
      {{ end }}
      phase: Running
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: pod-ready
spec:
  resourceRef: { apiGroup: v1, kind: Pod }
  selector:
    matchExpressions:
    - { key: .metadata.deletionTimestamp, operator: DoesNotExist }
    - { key: .status.phase, operator: In, values: [Pending] }
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
      - { type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }} }
      - { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
      containerStatuses:
      {{ range .spec.containers }}
      - image: {{ .image | Quote }}
        name: {{ .name | Quote }}
        ready: true
        started: true
        restartCount: 0
        state: { running: { startedAt: {{ $now | Quote }} } }
      {{ end }}
      {{ $addresses := PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
      podIP: {{ index $addresses 0 | Quote }}
      podIPs:
      - ip: {{ index $addresses 0 | Quote }}
      phase: Running
      startTime: {{ $now | Quote }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: pod-delete
spec:
  resourceRef: { apiGroup: v1, kind: Pod }
  selector:
    matchExpressions:
    - { key: .metadata.deletionTimestamp, operator: Exists }
  next:
    delete: true
`;
