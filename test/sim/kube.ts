import { UnreachableError } from '@kriptik/operator/runtime/errors.ts';
import { KubeClient, type RawRequest } from '@kriptik/operator/runtime/rest.ts';
import type { SimApiServer, Stored } from './api-server.ts';
import type { SimProcess } from './process.ts';

/** Name under which the operator writes. */
export const OPERATOR = 'operator';

export interface KubeWatched {
  /** Whether the API server cannot be reached now. */
  gone(): boolean;
  /** Hears of every body that the operator sends. */
  sent(body: string): void;
}

interface Address {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly key: string | undefined;
  readonly subresource: string;
}

/** The operator's own client; only the wire is replaced, by the simulated server behind the process's faults. */
export class SimKube extends KubeClient {
  readonly #server: SimApiServer;
  readonly #process: SimProcess;
  readonly #watched: KubeWatched;

  constructor(server: SimApiServer, process: SimProcess, watched: KubeWatched) {
    const source = {
      server: 'https://sim',
      settings: async () => ({ tls: {}, headers: {} }),
      invalidate: () => {},
    };
    super(source, { userAgent: 'sim/1', clock: process.clock });
    this.#server = server;
    this.#process = process;
    this.#watched = watched;
  }

  override async raw<R = unknown>(method: string, path: string, request: RawRequest = {}): Promise<R> {
    const address = parse(path);
    const call = { target: 'api', verb: `${method} ${address.plural}`, effect: method !== 'GET' } as const;
    const failure = (landed: boolean): Error =>
      new UnreachableError(`${call.verb}: the connection was cut`, landed ? 'ECONNRESET' : 'ECONNREFUSED');
    return await this.#process.call(call, failure, () => {
      if (this.#watched.gone()) throw failure(false);
      return this.#serve(method, address, request.body) as R;
    });
  }

  #serve(method: string, { plural, namespace, key, subresource }: Address, body: unknown): unknown {
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) this.#watched.sent(text);
    const sent = text === undefined ? undefined : (JSON.parse(text) as Stored);
    if (key === undefined) {
      if (method === 'POST' && sent !== undefined) {
        return this.#server.create(OPERATOR, plural, {
          ...sent,
          metadata: namespace === undefined ? sent.metadata : { ...sent.metadata, namespace },
        });
      }
      const items = this.#server
        .list(plural)
        .filter((one) => (namespace ?? one.metadata.namespace) === one.metadata.namespace);
      return { items, metadata: { resourceVersion: '1' } };
    }
    if (method === 'GET') return this.#server.get(plural, key);
    if (method === 'PATCH' && sent !== undefined) {
      return this.#server.patch(OPERATOR, plural, key, subresource, sent);
    }
    throw new Error(`the simulated server does not serve ${method} ${plural}`);
  }
}

/** Reads /apis/<group>/<version>[/namespaces/<ns>]/<plural>[/<name>[/<subresource>]]. */
function parse(path: string): Address {
  const parts = path.split('/').slice(path.startsWith('/apis/') ? 4 : 3);
  const namespaced = parts[0] === 'namespaces' && parts.length > 2;
  const namespace = namespaced ? parts[1] : undefined;
  const [plural = '', name, subresource = 'main'] = namespaced ? parts.slice(2) : parts;
  const key = name === undefined ? undefined : namespace === undefined ? name : `${namespace}/${name}`;
  return { plural, namespace, key, subresource };
}
