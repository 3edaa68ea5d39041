import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Kubeconfig, makeKubeconfig } from '@kriptik/tools/controlplane/cluster/kubeconfig.ts';
import { createAuthority } from '@kriptik/tools/controlplane/pki.ts';
import { callOf, isWrite, type LoggedWrite, labelOf, type ProxyCall } from './proxy-call.ts';
import { type WatchFilter, WatchStream } from './proxy-watch.ts';

/** What happens to one call instead of being passed on and answered. */
export type ProxyFault =
  /** `run` is awaited at that moment; before: nothing is passed on; committed: done but not answered. */
  | { readonly at: 'before' | 'committed' | 'replied'; readonly run: () => Promise<void> }
  | { readonly at: 'delay'; readonly ms: number }
  /** The connection is cut: before the API server heard of it, after it did what was asked, or amid the answer. */
  | { readonly at: 'cut'; readonly when: 'before' | 'committed' | 'amid' }
  /** Never answered; `committed` tells whether it was done. */
  | { readonly at: 'silence'; readonly committed: boolean }
  | { readonly at: 'status'; readonly code: number; readonly retryAfterSeconds?: number };

export interface ProxyOptions {
  /** Credentials and place of the API server; the proxy speaks with these rights. */
  readonly upstream: Kubeconfig;
  /** Shows whoever comes through only this namespace, and cluster-wide objects of this name. */
  readonly scope?: { readonly namespace: string; readonly name: string };
  /** Base URL behind the API server's pod proxy, where pods are played; undefined while nothing answers there. */
  readonly podAt?: ((namespace: string, pod: string) => Promise<string | undefined>) | undefined;
}

/** Long enough to read an answer, too short for much of what comes next. */
const READ_MS = 10;

const NAMESPACED = new Set(['traininggoals', 'trainingplans', 'trainingjobs']);
const CLUSTER_WIDE = new Set(['computeproviders', 'trainingpolicies']);
const decode = (data: string): Buffer => Buffer.from(data, 'base64');

/**
 * Stands between an operator and the real API server, logs each write and does to calls and watches what a test asks
 * for. TLS on both sides, HTTP/1.1, watch events one by one.
 */
export class FaultProxy {
  /** Every write that came by, oldest first. */
  readonly writes: LoggedWrite[] = [];
  /** Decides on each call, in the order they come; nothing happens to those it says nothing of. */
  fault: (call: ProxyCall, write: LoggedWrite | undefined) => ProxyFault | undefined = () => undefined;
  /** Rewrites the events of watches of a kind. */
  readonly filters = new Map<string, WatchFilter>();
  readonly kubeconfig: Kubeconfig;
  readonly #options: ProxyOptions;
  readonly #agent: Agent;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #watches = new Set<WatchStream>();
  readonly #lists = new Map<string, string>();
  readonly #kept = new Map<string, string>();
  readonly #occurrences = new Map<string, number>();
  #gone = false;

  private constructor(options: ProxyOptions, server: Server, agent: Agent, kubeconfig: Kubeconfig) {
    this.#options = options;
    this.#server = server;
    this.#agent = agent;
    this.kubeconfig = kubeconfig;
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      if (this.#gone) socket.destroy();
    });
    server.on('request', (incoming, response) => {
      void this.#handle(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(options: ProxyOptions): Promise<FaultProxy> {
    const authority = await createAuthority('fault-proxy', Date.now());
    const leaf = await authority.issue({ name: 'proxy', usages: ['server'], ipAddresses: ['127.0.0.1'] });
    const server = createServer({ ...leaf, ALPNProtocols: ['http/1.1'] }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { user } = options.upstream.users[0];
    if (!('client-key-data' in user)) throw new Error('the proxy needs a client certificate');
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 256,
      ca: decode(options.upstream.clusters[0].cluster['certificate-authority-data'] ?? ''),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = { server: url, ca: authority.cert, username: 'proxied', user: { token: 'none' } };
    return new FaultProxy(options, server, agent, makeKubeconfig(config));
  }

  /** Writes that changed something, oldest first. */
  get effective(): LoggedWrite[] {
    return this.writes.filter(({ effective }) => effective);
  }

  /** Kinds of the watches that are open, one entry each. */
  get watching(): string[] {
    return [...this.#watches].map(({ resource }) => resource);
  }

  /** Holds all events of watches of a kind back, those yet to be opened too. */
  freeze(resource: string): void {
    this.filters.set(resource, () => []);
  }

  /** Watches are as they were; what was held back is lost to them. */
  thaw(resource: string): void {
    this.filters.delete(resource);
  }

  /** Ends the watches of a kind, so that whoever watches connects anew. */
  endWatches(resource: string): void {
    for (const watch of this.#watches) if (watch.resource === resource) watch.end();
  }

  /** Remembers what a list of a kind says now, to be told when it is old. */
  async keepList(resource: string, path: string): Promise<void> {
    this.#kept.set(resource, (await this.#ask('GET', path, { accept: 'application/json' }, '')).text);
  }

  /** From now on lists of the kinds that were kept are answered with what they said then. */
  serveKeptLists(): void {
    for (const [resource, text] of this.#kept) this.#lists.set(resource, text);
  }

  /** Lists tell the truth again. */
  releaseLists(): void {
    this.#lists.clear();
  }

  /** No API server: connections are cut and new ones refused, until told otherwise. */
  outage(gone: boolean): void {
    this.#gone = gone;
    if (gone) for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.outage(true);
    this.#server.close();
    this.#agent.destroy();
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const call = callOf(incoming.method ?? 'GET', incoming.url ?? '/', body);
    const write = isWrite(call) ? this.#note(call) : undefined;
    const fault = this.fault(call, write);
    if (fault?.at === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    if (fault?.at === 'before') {
      await fault.run();
      return void response.destroy();
    }
    if (fault?.at === 'cut' && fault.when === 'before') return void response.destroy();
    if (fault?.at === 'silence' && !fault.committed) return;
    if (fault?.at === 'status') return refuse(response, fault.code, fault.retryAfterSeconds);
    const path = this.#scoped(call);
    if (call.watch) return this.#watch(call, path, response);
    const kept = call.method === 'GET' && call.name === '' ? this.#lists.get(call.resource) : undefined;
    if (kept !== undefined) return answer(response, { status: 200, type: 'application/json', text: kept });
    const toPod =
      call.resource === 'pods' && call.subresource.startsWith('proxy/') && this.#options.podAt !== undefined;
    const before = write === undefined || toPod ? undefined : await this.#versionOf(call);
    const type = incoming.headers['content-type'];
    const headers = {
      accept: incoming.headers.accept ?? 'application/json',
      'user-agent': incoming.headers['user-agent'] ?? '',
      ...(type === undefined ? {} : { 'content-type': type }),
    };
    const reply = toPod
      ? await this.#askPod(call, incoming.headers, body)
      : await this.#ask(call.method, path, headers, body);
    if (write !== undefined) {
      write.status = reply.status;
      if (reply.status >= 300) write.refusal = reply.text;
      // The last finalizer of a deleted object takes it away: what comes back is what it was.
      const goes = call.method === 'DELETE' || write.label.endsWith('finalizers=0');
      write.effective = reply.status < 300 && (goes || toPod || versionIn(reply.text) !== before);
    }
    if (fault?.at === 'committed') {
      await fault.run();
      return void response.destroy();
    }
    if (fault?.at === 'cut' && fault.when === 'committed') return void response.destroy();
    if (fault?.at === 'silence') return;
    if (fault?.at === 'cut') {
      response.writeHead(reply.status, { 'content-type': reply.type, 'content-length': Buffer.byteLength(reply.text) });
      response.write(reply.text.slice(0, reply.text.length / 2), () => response.destroy());
      return;
    }
    answer(response, reply);
    if (fault?.at !== 'replied') return;
    await once(response, 'finish');
    await new Promise((resolve) => setTimeout(resolve, READ_MS));
    await fault.run();
  }

  #note(call: ProxyCall): LoggedWrite {
    const label = labelOf(call);
    const occurrence = (this.#occurrences.get(label) ?? 0) + 1;
    this.#occurrences.set(label, occurrence);
    const write: LoggedWrite = { label, occurrence, call, at: Date.now(), effective: false };
    this.writes.push(write);
    return write;
  }

  #watch(call: ProxyCall, path: string, response: ServerResponse): void {
    const upstream = request(`${this.#upstream}${path}`, { agent: this.#agent, method: 'GET' });
    const watch = new WatchStream(call.resource, response, upstream, (event) => {
      const filter = this.filters.get(call.resource);
      return filter === undefined ? [event] : filter(event);
    });
    this.#watches.add(watch);
    watch.whenEnded(() => this.#watches.delete(watch));
    upstream.end();
  }

  get #upstream(): string {
    return this.#options.upstream.clusters[0].cluster.server;
  }

  /** The version an object has now; undefined where there is none. */
  async #versionOf(call: ProxyCall): Promise<string | undefined> {
    if (call.name === '') return undefined;
    const sub = call.subresource === '' ? call.path : call.path.slice(0, -call.subresource.length - 1);
    const { status, text } = await this.#ask('GET', sub, { accept: 'application/json' }, '');
    return status === 200 ? versionIn(text) : undefined;
  }

  #scoped({ path, query, resource, name, namespace }: ProxyCall): string {
    const { scope } = this.#options;
    let narrowed = path;
    if (scope !== undefined && name === '' && namespace === '') {
      if (NAMESPACED.has(resource)) narrowed = path.replace(/\/([^/]+)$/, `/namespaces/${scope.namespace}/$1`);
      if (CLUSTER_WIDE.has(resource)) query.set('fieldSelector', `metadata.name=${scope.name}`);
      if (resource === 'namespaces') query.set('fieldSelector', `metadata.name=${scope.namespace}`);
    }
    return query.size === 0 ? narrowed : `${narrowed}?${query.toString()}`;
  }

  /** What a played pod answers; 503, as of the API server, where nothing listens. */
  async #askPod(call: ProxyCall, headers: IncomingHttpHeaders, body: string): Promise<Reply> {
    const [pod = '', sub] = [call.name.split(':')[0], call.subresource.slice('proxy'.length)];
    const base = await this.#options.podAt?.(call.namespace, pod);
    const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
    const passed = ['kriptik-authorization', 'content-type', 'accept'].flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    try {
      if (base === undefined) throw new Error('there is no such pod');
      const init = { method: call.method, headers: Object.fromEntries(passed), ...(body === '' ? {} : { body }) };
      const answered = await fetch(`${base}${sub}${query}`, init);
      const extra = { 'kriptik-protocol': answered.headers.get('kriptik-protocol') ?? '' };
      const type = answered.headers.get('content-type') ?? 'application/json';
      return { status: answered.status, type, text: await answered.text(), extra };
    } catch (error) {
      const message = `error trying to reach service: ${String(error)}`;
      const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'ServiceUnavailable', code: 503 };
      return { status: 503, type: 'application/json', text: JSON.stringify({ ...status, message }) };
    }
  }

  async #ask(method: string, path: string, headers: Readonly<Record<string, string>>, body: string): Promise<Reply> {
    // Said outright, or the options of a DELETE would not count as its body.
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request(`${this.#upstream}${path}`, {
      agent: this.#agent,
      method,
      headers: { ...headers, ...length },
    });
    sent.end(body);
    const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const type = incoming.headers['content-type'] ?? 'application/json';
    return { status: incoming.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() };
  }
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Further headers. */
  readonly extra?: Readonly<Record<string, string>>;
}

function answer(response: ServerResponse, { status, type, text, extra }: Reply): void {
  response.writeHead(status, { 'content-type': type, ...extra }).end(text);
}

/** As the API server refuses: a Status object. */
function refuse(response: ServerResponse, code: number, retryAfterSeconds: number | undefined): void {
  const reason = code === 429 ? 'TooManyRequests' : code === 503 ? 'ServiceUnavailable' : 'InternalError';
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'a fault',
    reason,
    code,
  };
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(status));
}

function versionIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
  } catch {
    return undefined;
  }
}
