import type { ResourceClient } from '../../runtime/resource.ts';
import type { KubeObject } from '../../runtime/types.ts';
import type { Clients } from './cluster.ts';
import type { Facts } from './facts.ts';
import { LABEL, openRecords, providerSelector, selectorOf } from './names.ts';
import { indexOf } from './pods.ts';
import { lifeOf } from './record.ts';
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

/**
 * What there is of every attempt of this provider of which something is left, from one list of each kind, the Jobs
 * before their pods as in a look. Events and nodes, which tell why something waits, are left out.
 */
export const factsOfAll = async (clients: Clients, settings: KubernetesSettings): Promise<[string, Facts][]> => {
  const { namespace, provider } = settings;
  const jobs = (await clients.jobs.list({ namespace, labelSelector: providerSelector(provider) })).items;
  const pods = (await clients.pods.list({ namespace, labelSelector: providerSelector(provider) })).items;
  const records = (await clients.records.list({ namespace, labelSelector: openRecords(provider) })).items;
  const jobOf = byAttempt(jobs);
  const podsOf = byAttempt(pods);
  const recordOf = byAttempt(records);
  const names = new Map([...jobs, ...pods, ...records].map((one) => [attemptOf(one), one.metadata.namespace ?? '']));
  names.delete('');
  return [...names].map(([name, where]) => {
    const [job] = jobOf.get(name) ?? [];
    const [record] = recordOf.get(name) ?? [];
    const facts: Facts = {
      name,
      ...(job !== undefined && { job }),
      pods: (podsOf.get(name) ?? []).toSorted((a, b) => indexOf(a) - indexOf(b)),
      events: [],
      nodes: new Map(),
      ...(record !== undefined && { record: lifeOf(record) }),
    };
    return [where, facts];
  });
};

const attemptOf = ({ metadata }: KubeObject): string => metadata.labels?.[LABEL.attempt] ?? '';

const byAttempt = <T extends KubeObject>(objects: readonly T[]): Map<string, T[]> => Map.groupBy(objects, attemptOf);
