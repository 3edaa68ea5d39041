import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { resourceOfPath } from './api-path.ts';
import { Backoff } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { ApiError, isUnauthorized, UnreachableError } from './errors.ts';
import { KubeConfigError, KubeConfigSource } from './kubeconfig.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { TokenBucket } from './ratelimit.ts';
import { ResourceClient } from './resource.ts';
import { apiErrorFrom, unreachable } from './status.ts';
import { type ConnectionSource, Transport } from './transport.ts';
import type { KubeObject, ResourceType } from './types.ts';

export interface KubeClientOptions {
  /** Sent with each call and shown in the API server's audit log. */
  readonly userAgent: string;
  /** Owner of the fields this client applies. Default: the user agent up to its first slash. */
  readonly fieldManager?: string;
  /** Calls per second over a long time; the API server's own fairness comes on top. @default 200 */
  readonly qps?: number;
  /** Calls allowed at once after a quiet time. @default 400 */
  readonly burst?: number;
  /** Time limit of one call with its retries, milliseconds. @default 15000 */
  readonly timeoutMs?: number;
  /** @default 32 */
  readonly maxConnections?: number;
  readonly clock?: Clock;
  readonly metrics?: RuntimeMetrics;
}

export interface CallOptions {
  /** Aborting it rejects the call with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides the client's time limit, milliseconds. */
  readonly timeoutMs?: number | undefined;
}

export interface RawRequest extends CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
  /** Representation asked for, such as a server-side printed table. @default application/json */
  readonly accept?: string;
}

/** A request for something behind the API server. */
export interface Exchange {
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal;
}

export interface ServerVersion {
  major: string;
  minor: string;
  gitVersion: string;
}

/** How often a call that the server asked us to repeat is repeated at most. */
const MAX_RETRIES = 10;

/** A client for the Kubernetes API over one connection pool. Safe for any number of concurrent calls. */
export class KubeClient {
  readonly fieldManager: string;
  readonly clock: Clock;
  readonly metrics: RuntimeMetrics | undefined;
  readonly #userAgent: string;
  readonly #timeoutMs: number;
  readonly #transport: Transport;
  readonly #bucket: TokenBucket;

  constructor(source: ConnectionSource, options: KubeClientOptions) {
    this.clock = options.clock ?? systemClock;
    this.metrics = options.metrics;
    this.fieldManager = options.fieldManager ?? options.userAgent.split('/')[0] ?? options.userAgent;
    this.#userAgent = options.userAgent;
    this.#timeoutMs = options.timeoutMs ?? 15_000;
    this.#transport = new Transport(source, { maxConnections: options.maxConnections ?? 32, connectTimeoutMs: 10_000 });
    this.#bucket = new TokenBucket({ qps: options.qps ?? 200, burst: options.burst ?? 400, clock: this.clock });
  }

  static fromKubeConfig(kc: KubeConfig, options: KubeClientOptions): KubeClient {
    return new KubeClient(new KubeConfigSource(kc, options.clock), options);
  }

  get server(): string {
    return this.#transport.server;
  }

  /** A typed client for one kind of object. */
  resource<T extends KubeObject>(type: ResourceType<T>): ResourceClient<T> {
    return new ResourceClient<T>(this, type);
  }

  /** The server's version; the cheapest proof that it answers and trusts us. */
  version(options: CallOptions = {}): Promise<ServerVersion> {
    return this.raw<ServerVersion>('GET', '/version', options);
  }

  /**
   * Sends one request and parses the JSON answer (an empty or non-JSON answer is returned as text).
   *
   * Answers that ask us to come back (429, or 5xx with Retry-After) are obeyed as long as the time limit allows. A
   * read whose connection was cut is sent once more; a write is not, since it may have happened.
   *
   * @throws ApiError for any other answer that is not 2xx.
   * @throws UnreachableError when there was no answer in time.
   */
  async raw<R = unknown>(method: Dispatcher.HttpMethod, path: string, request: RawRequest = {}): Promise<R> {
    const timeoutMs = request.timeoutMs ?? this.#timeoutMs;
    const call = `${method} ${path}`;
    const limit = new AbortController();
    const onAbort = (): void => limit.abort(request.signal?.reason);
    if (request.signal?.aborted) throw request.signal.reason;
    request.signal?.addEventListener('abort', onAbort, { once: true });
    const expired = new UnreachableError(`${call} at ${this.server}: no answer within ${timeoutMs} ms.`, 'DEADLINE');
    const timer = this.clock.setTimer(timeoutMs, () => limit.abort(expired));
    try {
      return (await this.#retrying(method, path, request, limit.signal, this.clock.now() + timeoutMs)) as R;
    } finally {
      timer.cancel();
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Opens a long-lived response, for watches and logs. Only the wait for the headers has the time limit.
   *
   * @throws ApiError when the answer is not 2xx.
   */
  async stream(path: string, request: RawRequest & { signal: AbortSignal }): Promise<Dispatcher.ResponseData['body']> {
    const call = `GET ${path}`;
    const limit = new AbortController();
    const onAbort = (): void => limit.abort(request.signal.reason);
    if (request.signal.aborted) throw request.signal.reason;
    // Stays for the life of the stream: aborting the caller's signal must end the body too.
    request.signal.addEventListener('abort', onAbort, { once: true });
    const expired = new UnreachableError(`${call} at ${this.server}: no answer within the time limit.`, 'DEADLINE');
    const timer = this.clock.setTimer(request.timeoutMs ?? this.#timeoutMs, () => limit.abort(expired));
    let body: Dispatcher.ResponseData['body'] | undefined;
    try {
      await this.#bucket.acquire(limit.signal);
      const response = await this.#send('GET', path, request, limit.signal, true);
      body = response.body;
      if (response.statusCode >= 300) throw await this.#refusal(response, call);
      body.once('close', () => request.signal.removeEventListener('abort', onAbort));
      return body;
    } catch (error) {
      request.signal.removeEventListener('abort', onAbort);
      throw this.#translate(error, call, limit.signal);
    } finally {
      timer.cancel();
    }
  }

  /**
   * Sends one request below the server's address and hands out the answer as it is, whatever its status: for what lies
   * behind the API server, such as a pod's own server, whose refusals are not the API server's. Headers may not
   * replace the client's credentials.
   *
   * @throws UnreachableError when there was no answer.
   */
  async exchange(path: string, { method, headers, body, signal }: Exchange): Promise<Dispatcher.ResponseData> {
    await this.#bucket.acquire(signal);
    const { authorization: _, ...rest } = headers;
    try {
      return await this.#transport.send({ method, path, headers: rest, body: body ?? undefined, signal });
    } catch (error) {
      throw this.#translate(error, `${method} ${path}`, signal);
    }
  }

  /** Closes all connections. Calls under way fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #retrying(
    method: Dispatcher.HttpMethod,
    path: string,
    request: RawRequest,
    signal: AbortSignal,
    deadline: number,
  ): Promise<unknown> {
    const call = `${method} ${path}`;
    const backoff = new Backoff({ baseMs: 100, maxMs: 5_000 });
    let reconnected = false;
    let reauthenticated = false;
    for (let retries = 0; ; retries++) {
      try {
        await this.#bucket.acquire(signal);
        return await this.#once(method, path, request, signal);
      } catch (thrown) {
        const error = this.#translate(thrown, call, signal);
        if (signal.aborted || retries >= MAX_RETRIES) throw error;
        if (isUnauthorized(error) && !reauthenticated) {
          reauthenticated = true;
          this.#transport.invalidateCredentials();
        } else if (isCut(error) && method === 'GET' && !reconnected) {
          reconnected = true;
        } else {
          const waitMs = repeatAfterMs(error, backoff);
          if (waitMs === undefined || this.clock.now() + waitMs >= deadline) throw error;
          this.metrics?.throttled.inc({ by: 'server' });
          await this.clock.sleep(waitMs, signal);
        }
      }
    }
  }

  async #once(method: Dispatcher.HttpMethod, path: string, request: RawRequest, signal: AbortSignal): Promise<unknown> {
    const response = await this.#send(method, path, request, signal, false);
    if (response.statusCode >= 300) throw await this.#refusal(response, `${method} ${path}`);
    const text = await response.body.text();
    const type = response.headers['content-type'];
    return typeof type === 'string' && type.includes('json') ? JSON.parse(text) : text;
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    request: RawRequest,
    signal: AbortSignal,
    stream: boolean,
  ): Promise<Dispatcher.ResponseData> {
    const headers: Record<string, string> = {
      accept: request.accept ?? 'application/json',
      'user-agent': this.#userAgent,
    };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const started = this.clock.now();
    try {
      const response = await this.#transport.send({
        method,
        path: path + queryOf(request.query),
        headers,
        body,
        signal,
        stream,
      });
      this.metrics?.requests.inc({ method, resource: resourceOfPath(path), code: String(response.statusCode) });
      return response;
    } catch (error) {
      this.metrics?.requests.inc({ method, resource: resourceOfPath(path), code: 'none' });
      throw error;
    } finally {
      this.metrics?.requestSeconds.observe({ method }, (this.clock.now() - started) / 1000);
    }
  }

  async #refusal(response: Dispatcher.ResponseData, call: string): Promise<ApiError> {
    const retryAfter = response.headers['retry-after'];
    const header = typeof retryAfter === 'string' ? retryAfter : undefined;
    return apiErrorFrom(response.statusCode, await response.body.text(), call, header, this.clock.now());
  }

  #translate(error: unknown, call: string, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof ApiError || error instanceof KubeConfigError || error instanceof SyntaxError) return error;
    return unreachable(error, call, this.server);
  }
}

const CUT = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE']);

const isCut = (error: unknown): boolean => error instanceof UnreachableError && CUT.has(error.code);

function repeatAfterMs(error: unknown, backoff: Backoff): number | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 429) return Math.max(error.retryAfterMs ?? 0, backoff.next());
  return error.status >= 500 ? error.retryAfterMs : undefined;
}

function queryOf(query: RawRequest['query']): string {
  if (query === undefined) return '';
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
