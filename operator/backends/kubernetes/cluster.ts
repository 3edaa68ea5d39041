import { getOrUndefined } from '../../runtime/apply.ts';
import type { ResourceClient } from '../../runtime/resource.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { KubeObject, ResourceType } from '../../runtime/types.ts';
import type { Facts } from './facts.ts';
import { isForeign, selectorOf } from './names.ts';
import {
  CONFIG_MAPS,
  CORE_EVENTS,
  type ConfigMap,
  type CoreEvent,
  JOBS,
  type Job,
  NETWORK_POLICIES,
  type NetworkPolicy,
  NODES,
  type Node,
  PODS,
  type Pod,
  SECRETS,
  SERVICES,
  type Secret,
  type Service,
} from './objects.ts';
import { hasEnded, indexOf, isDisrupted, isScheduled, isWell } from './pods.ts';
import { isQueued } from './queue.ts';
import { lifeOf } from './record.ts';
import { needsAllNodes, needsEvents, type Wanted } from './waiting.ts';
import { workloadOf } from './workload.ts';

/** Typed clients of the kinds an attempt is made of. */
export type Clients = {
  kube: KubeClient;
  jobs: ResourceClient<Job>;
  pods: ResourceClient<Pod>;
  records: ResourceClient<ConfigMap>;
  secrets: ResourceClient<Secret>;
  services: ResourceClient<Service>;
  policies: ResourceClient<NetworkPolicy>;
  nodes: ResourceClient<Node>;
  events: ResourceClient<CoreEvent>;
};

export const clientsOf = (kube: KubeClient): Clients => {
  const of = <T extends KubeObject>(type: ResourceType<T>): ResourceClient<T> => kube.resource(type);
  return {
    kube,
    jobs: of(JOBS),
    pods: of(PODS),
    records: of(CONFIG_MAPS),
    secrets: of(SECRETS),
    services: of(SERVICES),
    policies: of(NETWORK_POLICIES),
    nodes: of(NODES),
    events: of(CORE_EVENTS),
  };
};

/**
 * Reads what there is of an attempt in its namespace, from the API server itself. The Job is read before the pods: one
 * that is gone makes no more of them, so pods that are then not there are gone too.
 */
export const look = async (
  clients: Clients,
  namespace: string,
  name: string,
  wantedOf: (job: Job | undefined) => Wanted,
): Promise<Facts> => {
  const key = { namespace, name };
  const job = await getOrUndefined(clients.jobs, key);
  const found = (await clients.pods.list({ namespace, labelSelector: selectorOf(name) })).items;
  const pods = found.toSorted((a, b) => indexOf(a) - indexOf(b));
  // What is kept matters only where something ended or is gone, and where a queue may take it back.
  const needed = job === undefined || pods.every(hasEnded) || isQueued(job);
  const record = needed ? await getOrUndefined(clients.records, key) : undefined;
  const ours = record !== undefined && !isForeign(record, name);
  const seen = {
    name,
    pods,
    ...(job !== undefined && { job }),
    ...(ours && { record: lifeOf(record) }),
  };
  const held = job?.spec.suspend === true && isQueued(job);
  const workload = held ? await workloadOf(clients.kube, job) : undefined;
  return {
    ...seen,
    ...(workload !== undefined && { workload }),
    events: needsEvents(seen) ? await eventsOf(clients, namespace, seen) : [],
    nodes: await nodesOf(clients, pods, wantedOf(job)),
  };
};

/** Warnings about the Job, where it has no pods, or about those that do not start. */
const eventsOf = async (clients: Clients, namespace: string, { job, pods }: Seen): Promise<CoreEvent[]> => {
  const about = pods.length === 0 ? [job] : pods.filter((pod) => !hasEnded(pod)).slice(0, MOST_PODS);
  const found: CoreEvent[] = [];
  for (const uid of about.map((one) => one?.metadata.uid)) {
    if (uid === undefined) continue;
    const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
    found.push(...(await clients.events.list({ namespace, fieldSelector })).items);
  }
  return found;
};

type Seen = Pick<Facts, 'job' | 'pods'>;

/** Pods of an attempt whose events are read: they tell the same. */
const MOST_PODS = 3;

/**
 * The nodes of pods that are not simply well, and of those that the cluster ended; all of them where a pod finds none.
 */
const nodesOf = async (clients: Clients, pods: readonly Pod[], wanted: Wanted): Promise<Map<string, Node>> => {
  if (needsAllNodes(pods, wanted)) {
    const { items } = await clients.nodes.list();
    return new Map(items.map((node) => [node.metadata.name, node]));
  }
  const asked = pods.filter((pod) => isScheduled(pod) && (hasEnded(pod) ? isDisrupted(pod) : !isWell(pod)));
  const names = new Set(asked.map(({ spec }) => spec.nodeName ?? ''));
  const nodes = new Map<string, Node>();
  for (const name of names) {
    const node = name === '' ? undefined : await getOrUndefined(clients.nodes, { name });
    if (node !== undefined) nodes.set(name, node);
  }
  return nodes;
};
