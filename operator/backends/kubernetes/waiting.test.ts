import { describe, expect, it } from 'vitest';
import type { Waiting } from '../backend.ts';
import type { Facts } from './facts.ts';
import {
  condition,
  makeEvent,
  makeFacts,
  makeJob,
  makeNode,
  makePod,
  onNode,
  running,
  START,
  time,
} from './testing/facts.ts';
import { needsEvents, waitingOf } from './waiting.ts';
import { wantedOf } from './wanted.ts';

const why = (facts: Facts): Waiting | undefined => waitingOf(facts, wantedOf(facts.job, { spec: {} }));

const unschedulable = (message: string) =>
  makePod(0, {
    phase: 'Pending',
    conditions: [
      condition('PodScheduled', { status: 'False', reason: 'Unschedulable', message, lastTransitionTime: time(3) }),
    ],
  });
const pulling = (reason: string, message: string) => onNode({ waiting: { reason, message } });
const creating = onNode({ waiting: { reason: 'ContainerCreating' } });
const job = makeJob();

const cases: { case: string; facts: Facts; want: Partial<Waiting> | undefined; says?: RegExp }[] = [
  {
    case: 'a Job in a queue waits for its admission',
    facts: makeFacts({ job: makeJob({ suspend: true, queue: 'gpus', conditions: [condition('Suspended')] }) }),
    want: { reason: 'Queued', since: START + 1000 },
    says: /queue gpus has not admitted/,
  },
  {
    case: 'a Job that somebody suspended says that no queue did',
    facts: makeFacts({ job: makeJob({ suspend: true }) }),
    want: { reason: 'Queued', since: START },
    says: /no queue manages it/,
  },
  {
    case: 'a quota without room is told by the events of the Job',
    facts: makeFacts({
      job,
      events: [
        makeEvent(
          job,
          'FailedCreate',
          'Error creating: pods "x" is forbidden: exceeded quota: gpus, requested: 8, used: 8, limited: 8',
        ),
      ],
    }),
    want: { reason: 'QuotaExceeded', since: START + 5000 },
    says: /no room: exceeded quota: gpus, requested: 8/,
  },
  {
    case: 'pods that the cluster refuses otherwise',
    facts: makeFacts({
      job,
      events: [makeEvent(job, 'FailedCreate', 'Error creating: no PriorityClass with name gold was found')],
    }),
    want: { reason: 'NotReady' },
    says: /refuses its pods: no PriorityClass/,
  },
  { case: 'a Job whose pods are just being made has nothing to say', facts: makeFacts({ job }), want: undefined },
  {
    case: 'a GPU that no node has',
    facts: makeFacts({
      job: makeJob({ gpu: true }),
      pods: [unschedulable('0/2 nodes are available: 2 node(s) did not match')],
      nodeList: [makeNode('a', 'True', 'NVIDIA-L4'), makeNode('b')],
    }),
    want: { reason: 'NoSuchGpu', since: START + 3000 },
    says: /no node has the label nvidia.com\/gpu.product with NVIDIA-H100-80GB-HBM3; there are NVIDIA-L4\./i,
  },
  {
    case: 'a GPU that is there, all of it taken',
    facts: makeFacts({
      job: makeJob({ gpu: true }),
      pods: [unschedulable('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.')],
      nodeList: [makeNode('a', 'True', 'NVIDIA-H100-80GB-HBM3')],
    }),
    want: { reason: 'InsufficientCapacity', message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.' },
  },
  {
    case: 'a taint that the pods do not bear',
    facts: makeFacts({
      job,
      pods: [unschedulable('0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}')],
    }),
    want: { reason: 'Unschedulable' },
    says: /untolerated taint/,
  },
  {
    case: 'a cluster without a scheduler',
    facts: makeFacts({ job, pods: [makePod()] }),
    want: { reason: 'Unschedulable', since: START },
    says: /no scheduler/,
  },
  {
    case: 'a scheduling gate counts as a queue',
    facts: makeFacts({
      job,
      pods: [makePod(0, { conditions: [condition('PodScheduled', { status: 'False', reason: 'SchedulingGated' })] })],
    }),
    want: { reason: 'Queued' },
  },
  ...['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'].map((reason) => ({
    case: `an image that cannot be had (${reason})`,
    facts: makeFacts({ job, pods: [pulling(reason, 'failed to resolve reference')] }),
    want: { reason: 'ImagePull' as const, since: START + 10_000 },
    says: /failed to resolve reference\. Check kubernetes.image/,
  })),
  {
    case: 'a volume that cannot be mounted is told by the events of the pod',
    facts: makeFacts({
      job,
      pods: [creating],
      events: [makeEvent(creating, 'FailedMount', 'MountVolume.SetUp failed for volume "store"')],
    }),
    want: { reason: 'NotReady', since: START + 5000 },
    says: /FailedMount: MountVolume.SetUp failed/,
  },
  { case: 'a container that is just being made', facts: makeFacts({ job, pods: [creating] }), want: undefined },
  {
    case: 'a container that cannot be made',
    facts: makeFacts({ job, pods: [pulling('CreateContainerConfigError', 'secret "x" not found')] }),
    want: { reason: 'NotReady', message: 'CreateContainerConfigError: secret "x" not found' },
  },
  {
    case: 'one of two pods finds no node',
    facts: makeFacts({ job: makeJob({ completions: 2 }), pods: [running(0), unschedulable('1 Insufficient memory')] }),
    want: { reason: 'InsufficientCapacity' },
  },
  {
    case: 'a node that does not answer, and what can be done',
    facts: makeFacts({ job, pods: [running()], nodeList: [makeNode('node-1', 'Unknown')] }),
    want: { reason: 'NodeLost', since: START + 30_000 },
    says: /may still run there.*kubectl delete node node-1/,
  },
  { case: 'a pod that runs waits for nothing', facts: makeFacts({ job, pods: [running()] }), want: undefined },
];

describe('why an attempt waits', () => {
  it.each(cases)('$case', ({ facts, want, says }) => {
    const found = why(facts);
    if (want === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(want);
    if (says !== undefined) expect(found?.message).toMatch(says);
  });

  it('keeps what a scheduler says short enough for a condition', () => {
    const found = why(makeFacts({ job, pods: [unschedulable('x'.repeat(5000))] }));
    expect(found?.message.length).toBeLessThan(1024);
  });
});

describe('events are read only where they can tell something', () => {
  it.each([
    { case: 'a Job without pods', facts: { job, pods: [] }, want: true },
    { case: 'a suspended Job', facts: { job: makeJob({ suspend: true }), pods: [] }, want: false },
    { case: 'a pod without a node', facts: { job, pods: [makePod()] }, want: false },
    { case: 'a container being made', facts: { job, pods: [creating] }, want: true },
    { case: 'a pod that runs', facts: { job, pods: [running()] }, want: false },
  ])('$case: $want', ({ facts, want }) => {
    expect(needsEvents(facts)).toBe(want);
  });
});
