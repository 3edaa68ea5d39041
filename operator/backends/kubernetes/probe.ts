import { errorMessage, isForbidden, isNotFound } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { KubeObject } from '../../runtime/types.ts';
import type { ProbeResult } from '../backend.ts';
import { isBackendError } from '../errors.ts';
import type { Clients } from './cluster.ts';
import { providerSelector } from './names.ts';
import { holds, type Node } from './objects.ts';
import { claimOf, DEFAULTS, type KubernetesSettings } from './settings.ts';
import { hasProduct } from './waiting.ts';
import { kueuePath } from './workload.ts';

type NotReady = Extract<ProbeResult, { ready: false }>;
type Right = { verb: string; group: string; resource: string; subresource?: string };

const notReady = (reason: string, message: string, remedy: string): NotReady => ({
  ready: false,
  reason,
  message,
  remedy,
});

/** What the operator does in the namespace of the pods. The same list as the roles of config/rbac. */
const rightsOf = ({ podAccess }: KubernetesSettings): Right[] => {
  const rights = (group: string, resource: string, verbs: string, subresource?: string): Right[] =>
    verbs.split(' ').map((verb) => ({ verb, group, resource, ...(subresource !== undefined && { subresource }) }));
  return [
    ...rights('batch', 'jobs', 'get list create patch delete'),
    ...rights('', 'pods', 'get list delete'),
    ...rights('', 'pods', 'get', 'log'),
    ...rights('', 'secrets', 'get create patch delete'),
    ...rights('', 'configmaps', 'get list create patch delete'),
    ...rights('', 'services', 'get create delete'),
    ...rights('networking.k8s.io', 'networkpolicies', 'get create delete'),
    ...rights('', 'events', 'list'),
    ...(podAccess === 'proxy' ? rights('', 'pods', 'get create update delete', 'proxy') : []),
  ];
};

/** Can the cluster take work of this provider. Never throws. */
export const probeCluster = async (clients: Clients, settings: KubernetesSettings): Promise<ProbeResult> => {
  try {
    const problem =
      incomplete(settings) ??
      (await missingNamespace(clients.kube, settings)) ??
      (await missingRight(clients.kube, settings)) ??
      (await missingObject(clients.kube, settings)) ??
      (await missingQueue(clients.kube, settings)) ??
      (await missingCredentials(settings));
    if (problem !== undefined) return problem;
    const nodes = (await clients.nodes.list()).items;
    const gpus = gpusOf(nodes, settings);
    const unfit = noNodes(nodes, gpus, settings);
    if (unfit !== undefined) return unfit;
    const running = (
      await clients.jobs.list({ namespace: settings.namespace, labelSelector: providerSelector(settings.provider) })
    ).items;
    const live = running.filter(
      ({ status }) => !holds(status?.conditions, 'Complete') && !holds(status?.conditions, 'Failed'),
    );
    const instances = settings.maxInstances ?? MANY;
    return { ready: true, capacity: { instances, free: Math.max(0, instances - live.length) }, gpus };
  } catch (error) {
    return notReady(
      'ClusterUnreachable',
      errorMessage(error),
      'Check that the API server answers and the operator may list nodes.',
    );
  }
};

/** Where the provider sets no limit; the cluster's own capacity decides. */
const MANY = 10_000;

const incomplete = ({ spec, offered, productsOf }: KubernetesSettings): NotReady | undefined => {
  if (spec.image === undefined) {
    return notReady('ImageMissing', 'kubernetes.image is not set', "Set it to the trainer's image with its digest.");
  }
  const unknown = offered.filter((gpu) => gpu !== 'cpu' && productsOf(gpu).length === 0);
  if (unknown.length === 0) return undefined;
  return notReady(
    'GPUUnknown',
    `it is not known how nodes of this cluster name ${unknown.join(', ')}`,
    'Name the values of their product label in kubernetes.gpuProducts.',
  );
};

const exists = async (kube: KubeClient, path: string): Promise<boolean | undefined> => {
  try {
    await kube.raw<KubeObject>('GET', path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    // What may not be looked at is taken to be there; the launch will tell.
    if (isForbidden(error)) return undefined;
    throw error;
  }
};

const missingNamespace = async (kube: KubeClient, { namespace }: KubernetesSettings): Promise<NotReady | undefined> => {
  if (namespace === undefined || (await exists(kube, `/api/v1/namespaces/${namespace}`)) !== false) return undefined;
  const remedy = `kubectl create namespace ${namespace}, or name another in kubernetes.namespace.`;
  return notReady('NamespaceMissing', `namespace ${namespace} does not exist`, remedy);
};

const missingRight = async (kube: KubeClient, settings: KubernetesSettings): Promise<NotReady | undefined> => {
  const { namespace } = settings;
  const wanted = rightsOf(settings).map((right) => ({ ...right, namespace }));
  const all = [...wanted, { verb: 'list', group: '', resource: 'nodes', namespace: undefined }];
  const answers = await Promise.all(all.map(async (right) => ({ right, allowed: await isAllowed(kube, right) })));
  const missing = answers.filter(({ allowed }) => !allowed).map(({ right }) => nameOf(right));
  if (missing.length === 0) return undefined;
  const where = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`;
  return notReady(
    'Forbidden',
    `the operator may not ${missing.join(', ')} ${where}`,
    'Apply config/rbac/kubernetes.yaml and bind its roles as docs/kubernetes.md shows.',
  );
};

const nameOf = ({ verb, resource, subresource }: Right): string =>
  `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;

const isAllowed = async (kube: KubeClient, right: Right & { namespace: string | undefined }): Promise<boolean> => {
  const review = await kube.raw<{ status?: { allowed?: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: right },
      },
    },
  );
  return review.status?.allowed === true;
};

/** Objects that the provider names and that pods could not do without. */
const missingObject = async (kube: KubeClient, settings: KubernetesSettings): Promise<NotReady | undefined> => {
  const { spec, store, namespace } = settings;
  const claim = claimOf(store.uri);
  const named: [string, string | undefined, string][] = [
    ['PriorityClass', spec.priorityClassName, '/apis/scheduling.k8s.io/v1/priorityclasses'],
    ['RuntimeClass', spec.runtimeClassName, '/apis/node.k8s.io/v1/runtimeclasses'],
    [
      'PersistentVolumeClaim',
      namespace === undefined ? undefined : claim,
      `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
    ],
  ];
  for (const [kind, name, path] of named) {
    if (name === undefined || (await exists(kube, `${path}/${name}`)) !== false) continue;
    return notReady(`${kind}Missing`, `${kind} ${name} does not exist`, 'Create it, or correct the ComputeProvider.');
  }
  return undefined;
};

/** Without its queue no Job would ever be admitted. */
const missingQueue = async (
  kube: KubeClient,
  { spec: { queueName }, namespace }: KubernetesSettings,
): Promise<NotReady | undefined> => {
  if (queueName === undefined || namespace === undefined) return undefined;
  const path = await kueuePath(kube);
  if (
    path !== undefined &&
    (await exists(kube, `${path}/namespaces/${namespace}/localqueues/${queueName}`)) !== false
  ) {
    return undefined;
  }
  const missing = path === undefined ? 'Kueue is not installed' : `namespace ${namespace} has no such LocalQueue`;
  const remedy = path === undefined ? 'Install Kueue' : `Create LocalQueue ${queueName}`;
  return notReady(
    'QueueMissing',
    `kubernetes.queueName is ${queueName}, and ${missing}`,
    `${remedy}, or correct kubernetes.queueName.`,
  );
};

/** Without the keys of the store or the token of the Hub an attempt would fail on hardware that is paid for. */
const missingCredentials = async ({ credentials = [] }: KubernetesSettings): Promise<NotReady | undefined> => {
  for (const read of credentials) {
    try {
      await read();
    } catch (error) {
      if (!isBackendError(error, 'Misconfigured')) throw error;
      return notReady('CredentialsMissing', error.message, error.remedy);
    }
  }
  return undefined;
};

/** GPUs by type on nodes that take pods, as the catalog names them. */
const gpusOf = (nodes: readonly Node[], settings: KubernetesSettings): { gpu: string; count: number }[] => {
  const { spec, offered, productsOf } = settings;
  const resource = spec.gpuResource ?? DEFAULTS.gpuResource;
  const wanted = { gpuLabel: spec.gpuLabel ?? DEFAULTS.gpuLabel, nodeSelector: spec.nodeSelector ?? {} };
  return offered
    .filter((gpu) => gpu !== 'cpu')
    .map((gpu) => ({
      gpu,
      count: nodes
        .filter((node) => hasProduct(node, { ...wanted, products: productsOf(gpu) }))
        .reduce((sum, node) => sum + Number(node.status?.allocatable?.[resource] ?? 0), 0),
    }))
    .filter(({ count }) => count > 0);
};

/** Without a node that fits nothing could run, unless an autoscaler makes nodes when pods ask for them. */
const noNodes = (
  nodes: readonly Node[],
  gpus: readonly { gpu: string }[],
  { spec, offered }: KubernetesSettings,
): NotReady | undefined => {
  if (spec.nodesOnDemand === true) return undefined;
  const selector = Object.entries(spec.nodeSelector ?? {});
  const usable = nodes.filter(({ metadata }) => selector.every(([key, value]) => metadata.labels?.[key] === value));
  if (usable.length === 0) {
    return notReady(
      'NoNodes',
      `no node of the cluster fits kubernetes.nodeSelector (${nodes.length} nodes)`,
      'Add nodes, or correct the selector.',
    );
  }
  if (offered.includes('cpu') || gpus.length > 0) return undefined;
  return notReady(
    'NoSuchGpu',
    `no node has ${offered.join(' or ')} (label ${spec.gpuLabel ?? DEFAULTS.gpuLabel})`,
    'Add such nodes, install the device plugin and feature discovery, or name the label values in kubernetes.gpuProducts.',
  );
};
