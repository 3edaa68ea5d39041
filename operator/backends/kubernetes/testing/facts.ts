import type { Facts, LifeRecord } from '../facts.ts';
import { ANNOTATION, CONTAINER, INDEX_ANNOTATION, labelsOf } from '../names.ts';
import type { Condition, ContainerState, CoreEvent, Job, Node, Pod } from '../objects.ts';

/** The moment from which tests count. */
export const START = Date.parse('2026-11-23T10:00:00Z');

/** RFC 3339 of so many seconds after {@link START}. */
export const time = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

const OWNER = { namespace: 'team-a', name: 'helpdesk', uid: 'uid-1' };
const NAME = 'kriptik-0e5a1c3e-1';

const metadata = (name: string): Job['metadata'] => ({
  name,
  namespace: 'training',
  uid: `uid-of-${name}`,
  creationTimestamp: time(0),
  labels: labelsOf(NAME, OWNER, 'cluster'),
  annotations: { [ANNOTATION.job]: 'team-a/helpdesk' },
});

export const condition = (type: string, more: Partial<Condition> = {}): Condition => ({
  type,
  status: 'True',
  lastTransitionTime: time(1),
  ...more,
});

/** A Job of `completions` machines; asks for an H100 where `gpu` says so. */
export const makeJob = (
  more: {
    conditions?: Condition[];
    suspend?: boolean;
    completions?: number;
    gpu?: boolean;
    deleted?: boolean;
    queue?: string;
  } = {},
): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    ...metadata(NAME),
    ...(more.deleted === true && { deletionTimestamp: time(60) }),
    ...(more.queue !== undefined && { labels: { ...metadata(NAME).labels, 'kueue.x-k8s.io/queue-name': more.queue } }),
  },
  spec: {
    completions: more.completions ?? 1,
    ...(more.suspend === true && { suspend: true }),
    template: { spec: more.gpu === true ? { affinity: AFFINITY } : {} },
  },
  status: { startTime: time(0), conditions: more.conditions ?? [] },
});

const AFFINITY = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'nvidia.com/gpu.product', operator: 'In', values: ['NVIDIA-H100-80GB-HBM3'] }] },
      ],
    },
  },
};

type PodStatus = NonNullable<Pod['status']>;

/** A pod as the Job controller makes it. */
export const makePod = (index = 0, status: PodStatus = { phase: 'Pending' }, node?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...metadata(`${NAME}-${index}-x`),
    annotations: { ...metadata(NAME).annotations, [INDEX_ANNOTATION]: String(index) },
  },
  spec: {
    ...(node !== undefined && { nodeName: node }),
    containers: [{ name: CONTAINER, resources: { limits: { memory: '16Gi' } } }],
  },
  status,
});

const SCHEDULED = condition('PodScheduled', { lastTransitionTime: time(10) });

/** On a node since second 10, with its container in this state. */
export const onNode = (state: ContainerState, more: Partial<PodStatus> = {}, index = 0): Pod => {
  const ended = state.terminated?.exitCode === 0 ? 'Succeeded' : 'Failed';
  const phase = state.terminated === undefined ? (state.running === undefined ? 'Pending' : 'Running') : ended;
  const conditions = [SCHEDULED, ...(more.conditions ?? [])];
  const containerStatuses = [{ name: CONTAINER, state }];
  return makePod(index, { phase, podIP: `10.0.0.${index + 1}`, containerStatuses, ...more, conditions }, 'node-1');
};

export const running = (index = 0): Pod => onNode({ running: { startedAt: time(20) } }, {}, index);

export const ended = (
  exitCode: number,
  more: Partial<NonNullable<ContainerState['terminated']>> = {},
  index = 0,
): Pod => onNode({ terminated: { exitCode, startedAt: time(20), finishedAt: time(50), ...more } }, {}, index);

export const deleted = (pod: Pod): Pod => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: time(60) } });

export const makeNode = (name = 'node-1', ready = 'True', product?: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: product === undefined ? {} : { 'nvidia.com/gpu.product': product } },
  status: {
    conditions: [condition('Ready', { status: ready, reason: 'NodeStatusUnknown', lastTransitionTime: time(30) })],
    allocatable: product === undefined ? {} : { 'nvidia.com/gpu': '8' },
  },
});

export const makeEvent = (about: Job | Pod, reason: string, message: string): CoreEvent => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'event' },
  involvedObject: { name: about.metadata.name, uid: about.metadata.uid ?? '' },
  reason,
  message,
  firstTimestamp: time(5),
  lastTimestamp: time(40),
});

export const makeRecord = (more: Partial<LifeRecord> = {}): LifeRecord => ({ job: OWNER, released: false, ...more });

export const makeFacts = (more: Partial<Facts> & { nodeList?: Node[] } = {}): Facts => {
  const { nodeList = [makeNode()], ...rest } = more;
  return {
    name: NAME,
    pods: [],
    events: [],
    nodes: new Map(nodeList.map((node) => [node.metadata.name, node])),
    ...rest,
  };
};
