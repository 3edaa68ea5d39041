import type { KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { TrainerImage } from './images.ts';
import { waitFor } from './wait.ts';

const PODS = '/api/v1/namespaces/default/pods';

/** A pod as far as tests look at it. */
export interface PodSeen {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A pod's spec as strict as the product's own: no root, nothing writable but /tmp, no token. Runs Python. */
export function pythonPod(image: TrainerImage, program: string): Record<string, unknown> {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [
      { name: 'tmp', emptyDir: {} },
      ...image.volumes.map(({ name, hostPath }) => ({ name, hostPath: { path: hostPath } })),
    ],
    containers: [
      {
        name: 'python',
        image: image.reference,
        imagePullPolicy: 'Never',
        command: ['python', '-u', '-c', program],
        resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '256Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'tmp', mountPath: '/tmp' },
          ...image.volumes.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
        ],
      },
    ],
  };
}

/** Makes a pod in namespace `default`. */
export async function makePod(client: KubeClient, name: string, spec: Record<string, unknown>): Promise<void> {
  const metadata = { name, namespace: 'default', labels: { app: name } };
  await client.call('POST', PODS, { body: { apiVersion: 'v1', kind: 'Pod', metadata, spec } });
}

/** Waits until the pod is in the phase; a pod that failed instead is told with its log. */
export function podIn(client: KubeClient, name: string, phase: string): Promise<PodSeen> {
  return waitFor(
    `pod ${name} ${phase}`,
    async () => {
      const pod = (await client.call('GET', `${PODS}/${name}`)) as PodSeen;
      if (pod.status.phase === 'Failed' && phase !== 'Failed') throw new Error(await logOf(client, name));
      return pod.status.phase === phase ? pod : undefined;
    },
    { timeoutMs: 120_000, everyMs: 200 },
  );
}

/** What the pod has written. */
export async function logOf(client: KubeClient, name: string): Promise<string> {
  return String(await client.call('GET', `${PODS}/${name}/log`));
}

/** The pods of a Job in namespace `default`. */
export async function podsOfJob(client: KubeClient, job: string): Promise<readonly PodSeen[]> {
  const selector = encodeURIComponent(`job-name=${job}`);
  return ((await client.call('GET', `${PODS}?labelSelector=${selector}`)) as { items: readonly PodSeen[] }).items;
}
