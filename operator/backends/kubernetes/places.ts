import type { ResourceClient } from '../../runtime/resource.ts';
import type { KubeObject } from '../../runtime/types.ts';
import type { Clients } from './cluster.ts';
import { LABEL, openRecords, providerSelector, selectorOf } from './names.ts';
import type { KubernetesSettings } from './settings.ts';

/** Names of attempts whose place is remembered; the oldest are looked up again. */
const REMEMBERED = 10_000;

/**
 * In which namespace an attempt is. A name that was seen once stays where it is, for its job does; a name that was not
 * is looked up in all namespaces.
 */
export class Places {
  readonly #clients: Clients;
  readonly #only: string | undefined;
  readonly #known = new Map<string, string>();

  constructor(clients: Clients, only: string | undefined) {
    this.#clients = clients;
    this.#only = only;
  }

  learn(name: string, namespace: string): void {
    if (this.#known.size >= REMEMBERED) {
      const [oldest = ''] = this.#known.keys();
      this.#known.delete(oldest);
    }
    this.#known.set(name, namespace);
  }

  /** Undefined: nothing of that name is in any namespace, read from the API server itself. */
  async of(name: string): Promise<string | undefined> {
    const known = this.#only ?? this.#known.get(name);
    if (known !== undefined) return known;
    // The Job before its pods, as in a look: what is gone makes nothing any more.
    for (const client of [this.#clients.jobs, this.#clients.pods, this.#clients.records]) {
      const { items } = await (client as ResourceClient<KubeObject>).list({ labelSelector: selectorOf(name) });
      const namespace = items[0]?.metadata.namespace;
      if (namespace === undefined) continue;
      this.learn(name, namespace);
      return namespace;
    }
    return undefined;
  }
}

/** Every attempt of this provider of which something is left, with its namespace. */
export const namesOf = async (clients: Clients, settings: KubernetesSettings): Promise<Map<string, string>> => {
  const names = new Map<string, string>();
  const { namespace, provider } = settings;
  const search = async (client: ResourceClient<KubeObject>, labelSelector: string): Promise<void> => {
    for (const { metadata } of (await client.list({ namespace, labelSelector })).items) {
      const name = metadata.labels?.[LABEL.attempt];
      if (name !== undefined && metadata.namespace !== undefined) names.set(name, metadata.namespace);
    }
  };
  await search(clients.jobs as ResourceClient<KubeObject>, providerSelector(provider));
  await search(clients.pods as ResourceClient<KubeObject>, providerSelector(provider));
  await search(clients.records as ResourceClient<KubeObject>, openRecords(provider));
  return names;
};
