/** Jobs in a queue of the real Kueue: it admits, preempts and is away; the played node runs the stand-in trainer. */
import type { TrainingJob } from '@kriptik/crds';
import { TrainingJobResource } from '@kriptik/crds';
import { JOBS, type Job } from '@kriptik/operator/backends/kubernetes/objects.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditTail } from '../support/audit.ts';
import { type Kueue, kueueUnavailable, startKueue } from '../support/kueue.ts';
import { FaultProxy } from '../support/proxy.ts';
import { waitFor } from '../support/wait.ts';
import { operatorKubeconfig, startCluster, World } from '../support/world.ts';
import { FAST, PRICE } from './lane.ts';
import { PodSite, podsOf } from './pods.ts';

const NAMESPACE = 'queued';
const PODS = podsOf(NAMESPACE);
const QUEUE = 'trainers';
const TRAINER = ['--step-ms', '80', '--later-step-ms', '25', '--checkpoint-ms', '20'];
const WORDS = 'Train a small assistant with LoRA that answers questions like our help desk, from our file.';

const unavailable = kueueUnavailable();
if (unavailable !== undefined) console.warn(`the real Kueue is left out: ${unavailable}`);

/** Room for one machine. What is more urgent takes it from what is less. */
const QUEUES = [
  { apiVersion: 'kueue.x-k8s.io/v1beta2', kind: 'ResourceFlavor', metadata: { name: 'any' } },
  {
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'ClusterQueue',
    metadata: { name: QUEUE },
    spec: {
      namespaceSelector: {},
      preemption: { withinClusterQueue: 'LowerPriority' },
      resourceGroups: [
        {
          coveredResources: ['cpu', 'memory'],
          flavors: [
            {
              name: 'any',
              resources: [
                { name: 'cpu', nominalQuota: '1' },
                { name: 'memory', nominalQuota: '64Gi' },
              ],
            },
          ],
        },
      ],
    },
  },
  {
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'LocalQueue',
    metadata: { name: QUEUE, namespace: PODS },
    spec: { clusterQueue: QUEUE },
  },
  {
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'WorkloadPriorityClass',
    metadata: { name: 'urgent' },
    value: 1000,
  },
];

/** Somebody else's Job, more urgent than any of ours. */
const URGENT = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: 'urgent',
    namespace: PODS,
    labels: { 'kueue.x-k8s.io/queue-name': QUEUE, 'kueue.x-k8s.io/priority-class': 'urgent' },
  },
  spec: {
    suspend: true,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'work', image: 'none', resources: { requests: { cpu: '1', memory: '64Mi' } } }],
      },
    },
  },
};

describe.skipIf(unavailable !== undefined)('jobs in a queue of Kueue', () => {
  let cluster: ControlPlane;
  let kueue: Kueue | undefined;
  let site: PodSite | undefined;
  let proxy: FaultProxy | undefined;
  let world: World;
  let audit: AuditTail;

  beforeAll(async () => {
    cluster = await startCluster();
    kueue = await startKueue(cluster);
    const running = await PodSite.start(cluster);
    site = running;
    const podAt = (namespace: string, pod: string) => running.kubelet.addressOf(namespace, pod);
    proxy = await FaultProxy.start({ upstream: await operatorKubeconfig(cluster), podAt });
    const provider = running.provider(NAMESPACE, PRICE);
    const resources = { cpu: '1', memory: '16Gi' };
    world = await World.start({
      cluster,
      namespace: NAMESPACE,
      operatorKubeconfig: proxy.kubeconfig,
      settings: FAST,
      providerSpec: { ...provider, kubernetes: { ...provider.kubernetes, queueName: QUEUE, resources } },
    });
    await running.open(cluster, NAMESPACE, { folder: world.workDir, arguments: TRAINER });
    await cluster.applyManifests(QUEUES);
    audit = await AuditTail.from(cluster.auditLogPath);
    await world.startOperator();
  }, 600_000);
  afterAll(async () => {
    await proxy?.stop();
    await world?.stop();
    await site?.stop();
    await kueue?.stop();
    await cluster?.stop();
  });

  const begin = async (name: string, maxSteps: number): Promise<void> => {
    const budget = { limit: '2.00', currency: 'USD' as const, alertAt: 80, warnAt: 95 };
    await world.createGoal(name, { goal: WORDS, budget, constraints: { maxSteps, checkpointEverySteps: 10 } });
    await world.approve(name);
  };
  const jobThat = async (goal: string, what: string, holds: (job: TrainingJob) => boolean): Promise<TrainingJob> => {
    let last: TrainingJob | undefined;
    try {
      return await waitFor(`a job of ${goal} that ${what}`, async () => {
        last = (await world.jobs()).find(({ spec }) => spec.goalRef.name === goal);
        return last !== undefined && holds(last) ? last : undefined;
      });
    } catch (error) {
      throw new Error(`${String(error)}: ${JSON.stringify(last?.status, undefined, 1)}`, { cause: error });
    }
  };
  const inPhase = (goal: string, phase: string) => jobThat(goal, phase, ({ status }) => status?.phase === phase);
  const trains = (goal: string, attempt: number) =>
    jobThat(goal, `trains in attempt ${attempt}`, ({ status }) => {
      const saved = status?.checkpoints?.at(-1)?.step ?? 0;
      return status?.attempts?.at(-1)?.number === attempt && saved > (status.attempts.at(-1)?.resumedFromStep ?? 0);
    });
  const queued = (goal: string, attempt: number, words = /has not admitted/) =>
    jobThat(goal, `queues with attempt ${attempt}`, ({ status }) => {
      const live = status?.attempts?.at(-1);
      return live?.number === attempt && live.queued === true && words.test(live.waiting?.message ?? '');
    });
  const jobsOfCluster = async (): Promise<Job[]> => (await world.client.resource(JOBS).list({ namespace: PODS })).items;
  const attemptOf = ({ status }: TrainingJob): string => status?.attempts?.at(-1)?.name ?? '';
  const scale = async (goal: string, replicas: number): Promise<void> => {
    const { metadata } = await jobThat(goal, 'exists', () => true);
    await world.client.resource(TrainingJobResource).patch(metadata, { spec: { replicas } });
  };

  it('wait for its admission, freeze out of their quota, queue anew and yield to what is more urgent', async () => {
    await begin('first', 20_000);
    const before = await trains('first', 1);
    await begin('second', 60);
    const waiting = await queued('second', 1, /insufficient/);
    expect(waiting.status?.phase).toBe('Pending');
    expect(Number(waiting.status?.cost?.spent)).toBe(0);
    const ready = waiting.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'Queued' });
    expect(ready?.message).toContain(`queue ${QUEUE} has not admitted it`);
    expect(ready?.message).toContain('insufficient unused quota for cpu in flavor any');

    // The first comes to its limit: its place in the queue is free once its Job is gone.
    const { spent, reserve } = before.status?.cost ?? {};
    await world.setBudget('first', (Number(spent) + Number(reserve) + 0.01).toFixed(6));
    await inPhase('first', 'Frozen');
    const left = (await jobsOfCluster()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(left.map(({ metadata }) => metadata.name)).toEqual([attemptOf(waiting)]);
    await trains('second', 1);

    // Raised while the second runs, it queues again, and goes on from what it saved.
    await world.setBudget('first', '4.00');
    await queued('first', 2);
    const second = await inPhase('second', 'Succeeded');
    const resumed = (await trains('first', 2)).status?.attempts?.at(-1);
    expect(resumed?.resumedFromStep).toBeGreaterThan(0);
    // Billed from its admission on, give or take what the times are rounded to, and not from its creation.
    expect(Date.parse(resumed?.billedFrom ?? '')).toBeGreaterThan(goneAt(second) - 2_000);

    // Kueue takes its room away for something more urgent; nothing of ours resists, and waiting costs nothing.
    await cluster.applyManifests([URGENT]);
    const preempted = await queued('first', 3);
    // It was told by a signal, and had the time to save.
    expect(preempted.status?.attempts?.at(-2)).toMatchObject({ exitReason: 'preempted', outcome: 'Frozen' });
    await world.client.resource(JOBS).delete({ namespace: PODS, name: 'urgent' });
    const back = (await trains('first', 3)).status?.attempts ?? [];
    expect(back.at(-1)?.resumedFromStep).toBeGreaterThan(back.at(-2)?.resumedFromStep ?? 0);
    // Between the end of the one and the admission of the other nothing is billed.
    expect(Date.parse(back.at(-1)?.billedFrom ?? '')).toBeGreaterThan(Date.parse(back.at(-2)?.goneAt ?? ''));
    await scale('first', 0);
    await inPhase('first', 'Paused');

    const ours = (await audit.writes(PODS)).filter(
      ({ objectRef, user }) => objectRef?.resource === 'jobs' && user.username.endsWith(':kriptik-operator'),
    );
    const touching = ours.filter(({ requestObject }) => suspends(requestObject));
    expect(touching.map(({ verb }) => verb)).toEqual(touching.map(() => 'create'));
    expect(touching.length).toBeGreaterThan(3);
  }, 180_000);

  it('end although Kueue is away, and leave nothing when it is back', async () => {
    await begin('third', 10_000);
    const { status } = await trains('third', 1);
    await begin('fourth', 10_000);
    await queued('fourth', 1);
    await kueue?.down();
    // Nothing of it ever ran, so nothing but the finalizer of its Workload keeps its Job.
    await scale('fourth', 0);
    await inPhase('fourth', 'Paused');
    await scale('third', 0);
    const paused = await inPhase('third', 'Paused');
    expect(paused.status?.attempts?.at(-1)).toMatchObject({ number: status?.attempts?.length, state: 'Gone' });
    await kueue?.up();
    await waitFor('an end of the Jobs', async () => ((await jobsOfCluster()).length === 0 ? true : undefined));
    await scale('third', 1);
    await trains('third', 2);
  }, 180_000);
});

function goneAt({ status }: TrainingJob): number {
  return Date.parse(status?.attempts?.at(-1)?.goneAt ?? '');
}

function suspends(body: unknown): boolean {
  const { spec } = (body ?? {}) as { spec?: { suspend?: boolean } };
  return spec?.suspend !== undefined;
}
