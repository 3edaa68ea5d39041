import { CONTAINER, INDEX_ANNOTATION } from './names.ts';
import { type ContainerState, conditionOf, epochOf, holds, type Node, type Pod } from './objects.ts';

/** Number of a pod among those of its Job; 0 has the control server. */
export const indexOf = (pod: Pod): number => Number(pod.metadata.annotations?.[INDEX_ANNOTATION] ?? 0);

/** The pod with the control server. */
export const leaderOf = (pods: readonly Pod[]): Pod | undefined => pods.find((pod) => indexOf(pod) === 0);

/** State of the trainer's container; empty before the node has reported one. */
export const trainerState = (pod: Pod): ContainerState =>
  pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state ?? {};

/** Whether a node was found for it: from then on it holds hardware. */
export const isScheduled = (pod: Pod): boolean =>
  holds(pod.status?.conditions, 'PodScheduled') || (pod.spec.nodeName ?? '') !== '';

/** Epoch ms at which it began to hold hardware; undefined while it does not. */
export const scheduledAt = (pod: Pod): number | undefined => {
  if (!isScheduled(pod)) return undefined;
  const condition = conditionOf(pod.status?.conditions, 'PodScheduled');
  const at = condition?.status === 'True' ? epochOf(condition.lastTransitionTime) : undefined;
  return at ?? epochOf(pod.status?.startTime) ?? epochOf(pod.metadata.creationTimestamp);
};

/** Whether nothing of it can run: it ended, or it never got a node and is on its way out. */
export const hasEnded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Whether the cluster took it from its node, as it marks it. */
export const isDisrupted = (pod: Pod): boolean => holds(pod.status?.conditions, 'DisruptionTarget');

/** Whether it runs and its node reports of it: a node that falls silent makes its pods not ready. */
export const isWell = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  trainerState(pod).running !== undefined &&
  holds(pod.status?.conditions, 'Ready');

/** Whether the node says of itself, or the cluster of it, that it does not answer. */
export const isLost = (node: Node | undefined): boolean => {
  const ready = conditionOf(node?.status?.conditions, 'Ready');
  return ready !== undefined && ready.status !== 'True';
};
