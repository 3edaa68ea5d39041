import type { Waiting, WaitReason } from '../backend.ts';
import type { Facts } from './facts.ts';
import { type CoreEvent, conditionOf, epochOf, type Node, type Pod } from './objects.ts';
import { hasEnded, isLost, isScheduled, trainerState } from './pods.ts';
import { suspendedFor } from './queue.ts';

/** What of the provider's settings matters for reading why pods wait. */
export type Wanted = {
  gpuLabel: string;
  /** Values of the label, any of which will do; none where no GPU is asked for. */
  products: readonly string[];
  nodeSelector: Readonly<Record<string, string>>;
};

const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** Reasons of a container that only mean that its node is at work. */
const BUSY = new Set(['ContainerCreating', 'PodInitializing']);

const MESSAGE_LENGTH = 700;

const waiting = (reason: WaitReason, message: string, since: number): Waiting => ({
  reason,
  message: message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH)}...` : message,
  since,
});

/** Why an attempt does not run yet; undefined where nothing hinders it. Times are epoch ms. */
export const waitingOf = (facts: Facts, wanted: Wanted): Waiting | undefined => {
  const { job } = facts;
  if (job?.spec.suspend === true) {
    const { reason, message, since } = suspendedFor(facts);
    return waiting(reason, message, since);
  }
  const open = facts.pods.filter((pod) => !hasEnded(pod));
  if (open.length === 0) return job === undefined ? undefined : withoutPods(facts);
  for (const pod of open) {
    const why = lostNode(pod, facts) ?? unscheduled(pod, facts, wanted) ?? unstarted(pod, facts);
    if (why !== undefined) return why;
  }
  return undefined;
};

const createdAt = (facts: Facts): number => epochOf(facts.job?.metadata.creationTimestamp) ?? 0;

/** A Job whose pods could not even be made says so in its events. */
const withoutPods = (facts: Facts): Waiting | undefined => {
  const failure = newest(facts, facts.job?.metadata.uid, ['FailedCreate']);
  if (failure === undefined) return undefined;
  const said = plain(failure.message ?? '');
  const since = firstSeen(failure) ?? createdAt(facts);
  if (/exceeded quota|failed quota/.test(said)) {
    return waiting('QuotaExceeded', `the namespace's ResourceQuota has no room: ${said}. Raise it or wait`, since);
  }
  return waiting('NotReady', `the cluster refuses its pods: ${said}`, since);
};

/** "Error creating: pods "x" is forbidden: exceeded quota: ..." without what everybody knows. */
const plain = (message: string): string => message.replace(/^Error creating: (pods "[^"]*" is forbidden: )?/, '');

const unscheduled = (pod: Pod, facts: Facts, wanted: Wanted): Waiting | undefined => {
  if (isScheduled(pod)) return undefined;
  const condition = conditionOf(pod.status?.conditions, 'PodScheduled');
  const since = epochOf(condition?.lastTransitionTime) ?? epochOf(pod.metadata.creationTimestamp) ?? createdAt(facts);
  if (condition?.reason === 'SchedulingGated') {
    return waiting('Queued', `pod ${pod.metadata.name} is held by a scheduling gate`, since);
  }
  if (condition === undefined) {
    return waiting('Unschedulable', `no scheduler has looked at pod ${pod.metadata.name} yet`, since);
  }
  const said = condition.message ?? condition.reason ?? 'no node was found';
  const fitting = [...facts.nodes.values()].filter((node) => hasProduct(node, wanted));
  if (wanted.products.length > 0 && facts.nodes.size > 0 && fitting.length === 0) {
    return waiting('NoSuchGpu', `${noSuchGpu(wanted, facts)} The scheduler says: ${said}`, since);
  }
  return waiting(/Insufficient/.test(said) ? 'InsufficientCapacity' : 'Unschedulable', said, since);
};

const noSuchGpu = ({ gpuLabel, products, nodeSelector }: Wanted, { nodes }: Facts): string => {
  const there = [...new Set([...nodes.values()].map((node) => node.metadata.labels?.[gpuLabel]))];
  const seen = there.filter((product) => product !== undefined).sort();
  const selector = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`);
  const among = selector.length === 0 ? '' : ` among those with ${selector.join(', ')}`;
  return (
    `No node${among} has the label ${gpuLabel} with ${products.join(' or ')}; ` +
    `${seen.length === 0 ? 'no node has that label' : `there are ${seen.join(', ')}`}. ` +
    'Add such a node, or name the label value in kubernetes.gpuProducts of the ComputeProvider.'
  );
};

/** Whether a node has the approved GPU and is one the provider may use. */
export const hasProduct = (node: Node, { gpuLabel, products, nodeSelector }: Wanted): boolean => {
  const labels = node.metadata.labels ?? {};
  const chosen = Object.entries(nodeSelector).every(([key, value]) => labels[key] === value);
  return chosen && products.includes(labels[gpuLabel] ?? '');
};

/** It has a node, and its container does not come up. */
const unstarted = (pod: Pod, facts: Facts): Waiting | undefined => {
  const state = trainerState(pod);
  if (state.running !== undefined || state.terminated !== undefined) return undefined;
  const reason = state.waiting?.reason ?? 'ContainerCreating';
  const since = epochOf(conditionOf(pod.status?.conditions, 'PodScheduled')?.lastTransitionTime) ?? createdAt(facts);
  if (IMAGE_REASONS.has(reason)) {
    const said = state.waiting?.message ?? newest(facts, pod.metadata.uid, ['Failed'])?.message ?? '';
    const remedy =
      'Check kubernetes.image and imagePullSecrets of the ComputeProvider, and that the node reaches the registry';
    return waiting('ImagePull', `${reason}: ${said.replace(/[.\s]+$/, '')}. ${remedy}`, since);
  }
  if (!BUSY.has(reason))
    return waiting('NotReady', `${reason}: ${state.waiting?.message ?? 'no reason was given'}`, since);
  const trouble = newest(facts, pod.metadata.uid, ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox']);
  if (trouble === undefined) return undefined;
  return waiting('NotReady', `${trouble.reason}: ${trouble.message ?? ''}`, firstSeen(trouble) ?? since);
};

/** A node that does not answer: its pods may run on, so nothing about them can be concluded. */
const lostNode = (pod: Pod, { nodes }: Facts): Waiting | undefined => {
  const node = nodes.get(pod.spec.nodeName ?? '');
  if (node === undefined || !isLost(node)) return undefined;
  const ready = conditionOf(node.status?.conditions, 'Ready');
  const { name } = node.metadata;
  const message =
    `node ${name} does not answer (${ready?.reason ?? 'NotReady'}), so pod ${pod.metadata.name} may still run there. ` +
    `Once the machine is switched off for certain: kubectl delete node ${name}, ` +
    `or kubectl -n ${pod.metadata.namespace} delete pod ${pod.metadata.name} --force --grace-period=0`;
  return waiting('NodeLost', message, epochOf(ready?.lastTransitionTime) ?? 0);
};

/** The newest event of one of the reasons about an object. */
const newest = (facts: Facts, uid: string | undefined, reasons: readonly string[]): CoreEvent | undefined =>
  facts.events
    .filter(({ involvedObject, reason }) => involvedObject.uid === uid && reasons.includes(reason ?? ''))
    .toSorted((a, b) => (lastSeen(a) ?? 0) - (lastSeen(b) ?? 0))
    .at(-1);

const lastSeen = (event: CoreEvent): number | undefined =>
  epochOf(event.lastTimestamp) ?? epochOf(event.eventTime) ?? epochOf(event.metadata.creationTimestamp);

const firstSeen = (event: CoreEvent): number | undefined => epochOf(event.firstTimestamp) ?? lastSeen(event);

/** Whether events could tell more than the objects do. */
export const needsEvents = ({ job, pods }: Pick<Facts, 'job' | 'pods'>): boolean => {
  if (job === undefined || job.spec.suspend === true) return false;
  const open = pods.filter((pod) => !hasEnded(pod));
  if (open.length === 0) return pods.length === 0;
  return open.some(
    (pod) => isScheduled(pod) && BUSY.has(trainerState(pod).waiting?.reason ?? 'ContainerCreating') && !started(pod),
  );
};

const started = (pod: Pod): boolean => {
  const state = trainerState(pod);
  return state.running !== undefined || state.terminated !== undefined;
};

/** Whether all nodes are needed to say why a pod finds none. */
export const needsAllNodes = (pods: readonly Pod[], { products }: Wanted): boolean =>
  products.length > 0 && pods.some((pod) => !hasEnded(pod) && !isScheduled(pod));
