import type { InstanceExit } from '../backend.ts';
import type { CoreEvent, Job, Node, Pod } from './objects.ts';
import type { Workload } from './workload.ts';

/** What is kept of an attempt's life beside its Job: made before it, and left of it when it was forgotten. */
export type LifeRecord = {
  job: { namespace: string; name: string; uid: string };
  /** Uid of the Job that was made under its name. */
  created?: string;
  /** Epoch ms at which its end was first asked for. */
  stoppedAt?: number;
  /** Epoch ms at which it first held a node, as far as it was seen. */
  billedFrom?: number;
  exit?: InstanceExit;
  released: boolean;
};

/** What was seen of one attempt, read from the API server and not from a cache that may lag. */
export type Facts = {
  name: string;
  job?: Job;
  /** Its pods, by index, whether or not the Job that made them is still there. */
  pods: readonly Pod[];
  /** Of the Job and of pods that do not run yet; looked up only where something waits. */
  events: readonly CoreEvent[];
  /** Nodes by name: those its pods are bound to, and all of them where a pod finds none. */
  nodes: ReadonlyMap<string, Node>;
  record?: LifeRecord;
  /** What a queue says of a Job that it holds back. */
  workload?: Workload;
};
