import { join } from 'node:path';
import type { ComputeProviderSpec } from '@kriptik/crds';
import { LABEL } from '@kriptik/operator/backends/kubernetes/names.ts';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import type { KubeObject } from '@kriptik/operator/runtime/types.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { PlayedKubelet, type PodPlace } from '../support/played-kubelet.ts';
import { startS3, type TestS3 } from '../support/s3.ts';

const ROLES = ['kriptik-trainer-runner', 'kriptik-trainer-proxy'];
const KINDS = [
  '/apis/batch/v1/jobs',
  '/api/v1/pods',
  '/api/v1/secrets',
  '/api/v1/services',
  '/api/v1/configmaps',
  '/apis/networking.k8s.io/v1/networkpolicies',
];
const STORE_SECRET = 'checkpoint-store';

/** Where attempts are pods: a played node and a real S3 server, shared by the lanes of one control plane. */
export class PodSite {
  readonly kubelet: PlayedKubelet;
  readonly s3: TestS3;

  private constructor(kubelet: PlayedKubelet, s3: TestS3) {
    this.kubelet = kubelet;
    this.s3 = s3;
  }

  static async start(cluster: ControlPlane): Promise<PodSite> {
    return new PodSite(await PlayedKubelet.start(cluster), await startS3());
  }

  /** The provider of a lane, whose pods are in a namespace of their own: no garbage collector cleans up there. */
  provider(lane: string, pricePerHour: string): ComputeProviderSpec {
    const { bucket, endpoint, region } = this.s3;
    return {
      type: 'kubernetes',
      prices: { source: 'declared', declared: [{ gpu: 'cpu', pricePerHour }] },
      store: {
        uri: `s3://${bucket}/${lane}`,
        endpoint,
        region,
        credentialsRef: { name: STORE_SECRET, namespace: podsOf(lane) },
      },
      kubernetes: {
        namespace: podsOf(lane),
        image: `example.com/trainer@sha256:${'0'.repeat(64)}`,
        terminationGracePeriodSeconds: 1,
      },
    };
  }

  /** Makes the namespace of a lane's pods with what docs/kubernetes.md has people put there, and runs its pods. */
  async open(cluster: ControlPlane, lane: string, place: PodPlace): Promise<void> {
    const { accessKeyId, secretAccessKey, dir } = this.s3;
    const namespace = podsOf(lane);
    const manifests = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: STORE_SECRET, namespace },
        stringData: { accessKeyId, secretAccessKey },
      },
      ...ROLES.map((name) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name, namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name: 'kriptik-operator', namespace: 'kriptik-system' }],
      })),
    ];
    await cluster.applyManifests(manifests);
    this.kubelet.serve(namespace, { ...place, arguments: [...place.arguments, '--bucket-dir', dir] });
  }

  /** What is there of a lane's attempts. Of those that were let go of a record stays, which says so. */
  async left(client: KubeClient, lane: string): Promise<string[]> {
    const selector = encodeURIComponent(`${LABEL.attempt},!${LABEL.released}`);
    const found = KINDS.map(async (kind) => {
      const [root, plural] = [kind.slice(0, kind.lastIndexOf('/')), kind.slice(kind.lastIndexOf('/') + 1)];
      const path = `${root}/namespaces/${podsOf(lane)}/${plural}?labelSelector=${selector}`;
      const { items } = await client.raw<{ items: KubeObject[] }>('GET', path);
      return items.map(({ metadata }) => `${plural}/${metadata.name}`);
    });
    return (await Promise.all(found)).flat();
  }

  /** The folder behind a URI of the bucket. */
  folderOf(uri: string): string {
    return join(this.s3.dir, new URL(uri).pathname);
  }

  async stop(): Promise<void> {
    await this.kubelet.stop();
    await this.s3.stop();
  }
}

/** Namespace of the pods of a lane. */
export const podsOf = (lane: string): string => `${lane}-pods`;
