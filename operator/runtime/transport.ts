import { createHash } from 'node:crypto';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

/** Everything one connection needs: where to, with which trust, as whom. */
export interface ConnectionSettings {
  readonly tls: TlsSettings;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TlsSettings {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Where connections lead and what they present. Read before each call, so it must be cheap. */
export interface ConnectionSource {
  /** Base address without a trailing slash. */
  readonly server: string;
  readonly proxyUrl?: string | undefined;
  settings(): Promise<ConnectionSettings>;
  /** Called after a 401: the next `settings()` must read the credentials anew. */
  invalidate(): void;
}

export interface TransportOptions {
  /** Most connections open at once for calls (watches have their own). */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
}

export interface TransportRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  /** Long-lived streams must not take connections away from calls. */
  readonly stream?: boolean;
}

interface Agents {
  /** The settings last seen; as long as they are the same object, nothing has changed. */
  tls: TlsSettings;
  readonly fingerprint: string;
  readonly calls: Dispatcher;
  readonly streams: Dispatcher;
}

/** Idle connections are closed before an API server or load balancer would do it under a request of ours. */
const KEEP_ALIVE_MS = 30_000;

/**
 * One connection pool for calls and one for watches. Pools are kept until the CA, the client certificate or the key
 * changes; a pool per request (or HTTP/2, whose dead sessions take all requests down with them) is what this avoids.
 */
export class Transport {
  readonly #source: ConnectionSource;
  readonly #options: TransportOptions;
  readonly #origin: string;
  readonly #basePath: string;
  #agents: Agents | undefined;
  #closed = false;

  constructor(source: ConnectionSource, options: TransportOptions) {
    this.#source = source;
    this.#options = options;
    const { origin, pathname } = new URL(source.server);
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/$/, '');
  }

  get server(): string {
    return this.#source.server;
  }

  /** Sends one request and resolves when the response's headers are there. Rejects on any network failure. */
  async send(request: TransportRequest): Promise<Dispatcher.ResponseData> {
    const settings = await this.#source.settings();
    if (this.#closed) throw new Error('the API client is closed');
    const agents = this.#agentsFor(settings.tls);
    const stream = request.stream === true;
    return await (stream ? agents.streams : agents.calls).request({
      origin: this.#origin,
      path: this.#basePath + request.path,
      method: request.method,
      headers: { ...settings.headers, ...request.headers },
      body: request.body ?? null,
      signal: request.signal,
      // Our own deadlines and the watch's idle limit are the only clocks that count.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Makes the next request read the credentials anew. */
  invalidateCredentials(): void {
    this.#source.invalidate();
  }

  /** Closes every connection at once; requests under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const agents = this.#agents;
    this.#agents = undefined;
    if (agents !== undefined) await Promise.all([agents.calls.destroy(), agents.streams.destroy()]);
  }

  #agentsFor(tls: TlsSettings): Agents {
    const old = this.#agents;
    if (old?.tls === tls) return old;
    const fingerprint = fingerprintOf(tls);
    if (old?.fingerprint === fingerprint) {
      old.tls = tls;
      return old;
    }
    this.#agents = {
      tls,
      fingerprint,
      calls: this.#dispatcher(tls, this.#options.maxConnections),
      streams: this.#dispatcher(tls, null),
    };
    // Calls under way may end on the old certificate; watches reconnect at their own timeout.
    old?.calls.close().catch(() => {});
    old?.streams.close().catch(() => {});
    return this.#agents;
  }

  #dispatcher(tls: TlsSettings, connections: number | null): Dispatcher {
    const tlsOptions = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const common = { allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS, connections };
    const connect = {
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      timeout: this.#options.connectTimeoutMs,
      allowH2: false,
    };
    const uri = this.#source.proxyUrl;
    if (uri !== undefined)
      return new ProxyAgent({ ...common, uri, requestTls: { ...tlsOptions, ...connect }, connect });
    return new Agent({ ...common, connect: { ...tlsOptions, ...connect } });
  }
}

function fingerprintOf(tls: TlsSettings): string {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update(part ?? '').update('\0');
  }
  return hash.digest('hex');
}
