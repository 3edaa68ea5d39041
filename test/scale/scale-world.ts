import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TrainingGoal, type TrainingPlan, TrainingPlanResource } from '@kriptik/crds';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { INSTALLED } from '../support/installed.ts';
import { type KwokNodes, startKwok } from '../support/kwok.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { operatorKubeconfig, World } from '../support/world.ts';

export const NAMESPACE = 'team';

/** USD an hour of a pod, and with the platform's fee of 10 %. */
const PRICE = 3.6;
export const RATE = PRICE * 1.1;

const STORE_SECRET = 'checkpoint-store';
const OBJECTS_PER_NODE = 50;

/** What docs/kubernetes.md has people bind in the namespace of the pods. */
const RUNNER_BINDING = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'kriptik-trainer-runner', namespace: NAMESPACE },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'kriptik-trainer-runner' },
  subjects: [{ kind: 'ServiceAccount', name: 'kriptik-operator', namespace: 'kriptik-system' }],
};

/** A control plane with nodes that exist in its API only, and a real S3 server. */
export class ScaleWorld {
  readonly cluster: ControlPlane;
  readonly world: World;
  readonly s3: TestS3;
  readonly operatorKubeconfig: string;
  readonly #nodes: KwokNodes;
  #data = '';

  private constructor(cluster: ControlPlane, nodes: KwokNodes, s3: TestS3, world: World) {
    this.cluster = cluster;
    this.#nodes = nodes;
    this.s3 = s3;
    this.world = world;
    this.operatorKubeconfig = join(world.directory, 'scale-operator.kubeconfig');
  }

  /** Enough nodes for so many pods. */
  static async start(pods: number): Promise<ScaleWorld> {
    const cluster = await startControlPlane({ source: 'embedded', scheduler: true });
    await cluster.applyManifests(INSTALLED);
    const nodes = await startKwok(cluster, { nodes: Math.max(2, Math.ceil(pods / OBJECTS_PER_NODE)) });
    const s3 = await startS3();
    const world = await World.start({
      cluster,
      namespace: NAMESPACE,
      provider: 'cluster',
      providerSpec: {
        type: 'kubernetes',
        prices: { source: 'declared', declared: [{ gpu: 'cpu', pricePerHour: PRICE.toFixed(2) }] },
        limits: { maxInstances: 10_000 },
        store: {
          uri: `s3://${s3.bucket}/jobs`,
          endpoint: s3.endpoint,
          region: s3.region,
          credentialsRef: { name: STORE_SECRET, namespace: NAMESPACE },
        },
        kubernetes: {
          namespace: NAMESPACE,
          image: `example.com/trainer@sha256:${'0'.repeat(64)}`,
          resources: { cpu: '1', memory: '4Gi' },
        },
      },
    });
    const made = new ScaleWorld(cluster, nodes, s3, world);
    await world.client.raw('POST', `/api/v1/namespaces/${NAMESPACE}/secrets`, {
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: STORE_SECRET },
        stringData: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
      },
    });
    await cluster.applyManifests([RUNNER_BINDING]);
    await writeFile(made.operatorKubeconfig, JSON.stringify(await operatorKubeconfig(cluster)), { mode: 0o600 });
    made.#data = await world.writeData();
    return made;
  }

  /** A goal for an hour's run, which its pod will not live to see the end of. */
  async createGoal(name: string): Promise<TrainingGoal> {
    return await this.world.createGoal(name, {
      goal: 'Train a small assistant with LoRA that answers questions like our help desk, from our file.',
      budget: { limit: '50.00', currency: 'USD', alertAt: 80, warnAt: 95 },
      data: [{ uri: this.#data }],
      constraints: { maxSteps: 3_600, checkpointEverySteps: 60, batchSize: 2, maxLength: 64 },
    });
  }

  async plans(): Promise<TrainingPlan[]> {
    return (await this.world.client.resource(TrainingPlanResource).list({ namespace: NAMESPACE })).items;
  }

  /** Calls to the API server so far, of everybody, as it counts them itself. */
  async apiServerMetrics(): Promise<string> {
    return await this.world.client.raw<string>('GET', '/metrics', { accept: 'text/plain' });
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.s3.stop();
    await this.#nodes.stop();
    await this.cluster.stop();
  }
}
