import type { ComputeProvider } from '@kriptik/crds';
import { misconfigured } from '../backends/errors.ts';
import { createKubernetesBackend } from '../backends/kubernetes/index.ts';
import { LABEL } from '../backends/kubernetes/names.ts';
import { concerned } from '../backends/kubernetes/news.ts';
import { PODS, type Pod } from '../backends/kubernetes/objects.ts';
import { claimReader } from '../backends/kubernetes/reader.ts';
import type { KubernetesSettings } from '../backends/kubernetes/settings.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import type { Clock } from '../runtime/clock.ts';
import { Informer } from '../runtime/informer.ts';
import type { Logger } from '../runtime/log.ts';
import type { KubeClient } from '../runtime/rest.ts';
import { openStore } from '../store/open.ts';
import { type ReadSecret, sharedReads } from './credentials.ts';
import { hubTokenOf } from './hub-token.ts';
import type { ProviderFactory } from './registry.ts';
import { s3AccessOf } from './s3-access.ts';

/** What providers of type kubernetes have in common. */
export interface KubernetesFactoryOptions {
  readonly client: KubeClient;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly readSecret: ReadSecret;
  /** Namespace of the operator: only pods in it may speak to trainers. */
  readonly operatorNamespace: string;
  readonly podAccess: KubernetesSettings['podAccess'];
  readonly log: Logger;
}

/** Makes runtimes, and listens to the pods of those it made until it is stopped. */
export interface KubernetesProviders {
  readonly factory: ProviderFactory;
  /** Tells of attempts that began to run or ended, by the uid of their job. Returns the way to stop that. */
  readonly onChange: (changed: (jobUid: string) => void) => () => void;
  stop(): Promise<void>;
}

/**
 * How the operator reaches pods: inside the cluster by their own address, from outside through the API server.
 * KRIPTIK_POD_ACCESS (ip, proxy or auto) decides otherwise.
 */
export function podAccessFrom(env: Readonly<Record<string, string | undefined>>): KubernetesSettings['podAccess'] {
  const wanted = env['KRIPTIK_POD_ACCESS'] ?? 'auto';
  if (wanted === 'ip' || wanted === 'proxy') return wanted;
  if (wanted !== 'auto') throw new Error(`KRIPTIK_POD_ACCESS is "${wanted}"; use ip, proxy or auto`);
  return env['KUBERNETES_SERVICE_HOST'] === undefined ? 'proxy' : 'ip';
}

/** Makes the runtimes of providers of type kubernetes: the nodes of the operator's own cluster. */
export function kubernetesProviders(options: KubernetesFactoryOptions): KubernetesProviders {
  const listeners = new Map<string, Informer<Pod>>();
  const handlers = new Set<(jobUid: string) => void>();
  const tell = (jobUid: string | undefined): void => {
    if (jobUid !== undefined) for (const changed of handlers) changed(jobUid);
  };
  // One for each namespace, whatever providers share it and however often their specs change.
  const podsOf = (namespace: string | undefined): Informer<Pod> => {
    const key = namespace ?? '';
    const known = listeners.get(key);
    if (known !== undefined) return known;
    const { client, log } = options;
    const where = namespace === undefined ? {} : { namespace };
    const pods = new Informer<Pod>({ client: client.resource(PODS), log, labelSelector: LABEL.provider, ...where });
    listeners.set(key, pods);
    pods.onEvent({
      add: (pod) => tell(concerned(undefined, pod)),
      update: (before, pod) => tell(concerned(before, pod)),
      delete: (pod) => tell(pod.metadata.labels?.[LABEL.jobUid]),
    });
    pods.start();
    return pods;
  };
  const readSecret = sharedReads(options.readSecret, () => options.clock.now());
  const factory: ProviderFactory = (provider: ComputeProvider) => {
    const { store } = provider.spec;
    if (store === undefined) {
      throw misconfigured('spec.store is not set', 'Set store.uri, for example s3://bucket/prefix.');
    }
    const { client, clock } = options;
    const storeAccess = s3AccessOf(store, readSecret);
    const hubToken = hubTokenOf(provider.spec.kubernetes?.hubTokenRef, readSecret);
    const credentials = [storeAccess, hubToken].filter((read) => read !== undefined);
    const settings = { ...settingsOf(provider, store, options), credentials };
    const backend = createKubernetesBackend(client, settings, () => clock.now(), podsOf(settings.namespace));
    const base = store.uri.replace(/\/+$/, '');
    const storeUri = (jobUid: string): string => `${base}/${jobUid}`;
    const means = storeAccess === undefined ? { inspect: claimReader(client, settings, clock) } : { s3: storeAccess };
    return {
      backend,
      storeUri,
      openStore: (jobUid) => openStore(storeUri(jobUid), means),
      ...(storeAccess !== undefined && { storeAccess }),
      ...(hubToken !== undefined && { hubToken }),
    };
  };
  return {
    factory,
    onChange: (changed) => {
      handlers.add(changed);
      return () => void handlers.delete(changed);
    },
    stop: async () => {
      await Promise.all([...listeners.values()].map((pods) => pods.stop()));
    },
  };
}

function settingsOf(
  { metadata, spec }: ComputeProvider,
  store: NonNullable<ComputeProvider['spec']['store']>,
  { catalog, operatorNamespace, podAccess }: KubernetesFactoryOptions,
): KubernetesSettings {
  const nodes = spec.kubernetes ?? {};
  return {
    provider: metadata.name,
    ...(nodes.namespace !== undefined && { namespace: nodes.namespace }),
    spec: nodes,
    productsOf: (gpu) => productsOf(gpu, nodes.gpuProducts ?? [], catalog),
    offered: (spec.prices?.declared ?? []).map(({ gpu }) => findGpu(catalog, gpu)?.id ?? gpu),
    ...(spec.limits?.maxInstances !== undefined && { maxInstances: spec.limits.maxInstances }),
    store: { uri: store.uri, ...(store.keepLast !== undefined && { keepLast: store.keepLast }) },
    operatorNamespace,
    podAccess,
  };
}

/** Label values of a GPU type: those the provider names, else the one the catalog knows. */
export function productsOf(
  gpu: string,
  named: readonly { gpu: string; products: string[] }[],
  catalog: Catalog,
): readonly string[] {
  const known = findGpu(catalog, gpu);
  const own = named.find(
    (one) => one.gpu === gpu || (known !== undefined && findGpu(catalog, one.gpu)?.id === known.id),
  );
  return own?.products ?? (known === undefined ? [] : [known.names.kubernetes]);
}
