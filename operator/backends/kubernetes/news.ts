import { LABEL } from './names.ts';
import type { Pod } from './objects.ts';
import { hasEnded, isScheduled, trainerState } from './pods.ts';

/**
 * The TrainingJob (its uid) that should be looked at after a change of a pod: it found a node, its container began or
 * ended, it is to go or is gone. `before` is absent where it was not known; undefined for a change that tells nothing.
 */
export const concerned = (before: Pod | undefined, pod: Pod): string | undefined => {
  const changed = before === undefined ? isScheduled(pod) : standing(before) !== standing(pod);
  return changed ? pod.metadata.labels?.[LABEL.jobUid] : undefined;
};

const standing = (pod: Pod): string => {
  const { running, terminated, waiting } = trainerState(pod);
  const container = terminated ? 'ended' : running ? 'running' : (waiting?.reason ?? '');
  return [isScheduled(pod), container, hasEnded(pod), pod.metadata.deletionTimestamp !== undefined].join();
};
