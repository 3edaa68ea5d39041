import { getOrUndefined } from '../../runtime/apply.ts';
import type { ResourceClient } from '../../runtime/resource.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { KubeObject, ResourceType } from '../../runtime/types.ts';
import type { Facts } from './facts.ts';
import { selectorOf } from './names.ts';
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
import { hasEnded, indexOf, isScheduled } from './pods.ts';
import { isQueued } from './queue.ts';
import { lifeOf } from './record.ts';
import { needsAllNodes, needsEvents, type Wanted } from './waiting.ts';

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
  const seen = {
    name,
    pods,
    ...(job !== undefined && { job }),
    ...(record !== undefined && { record: lifeOf(record) }),
  };
  return {
    ...seen,
    events: needsEvents(seen) ? await eventsOf(clients, namespace, name) : [],
    nodes: await nodesOf(clients, pods, wantedOf(job)),
  };
};

/** Events about the Job and its pods: their names begin with that of the attempt. */
const eventsOf = async (clients: Clients, namespace: string, name: string): Promise<CoreEvent[]> => {
  const { items } = await clients.events.list({ namespace, fieldSelector: 'type=Warning' });
  return items.filter(({ involvedObject }) => involvedObject.name?.startsWith(name) === true);
};

/** The nodes that pods are bound to; all of them where a pod finds none. */
const nodesOf = async (clients: Clients, pods: readonly Pod[], wanted: Wanted): Promise<Map<string, Node>> => {
  if (needsAllNodes(pods, wanted)) {
    const { items } = await clients.nodes.list();
    return new Map(items.map((node) => [node.metadata.name, node]));
  }
  const names = new Set(pods.filter(isScheduled).map(({ spec }) => spec.nodeName ?? ''));
  const nodes = new Map<string, Node>();
  for (const name of names) {
    const node = name === '' ? undefined : await getOrUndefined(clients.nodes, { name });
    if (node !== undefined) nodes.set(name, node);
  }
  return nodes;
};
