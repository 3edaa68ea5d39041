import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { type Clock, systemClock } from '../clock.ts';
import { ApiError } from '../errors.ts';
import { type KubeObject, keyString } from '../types.ts';
import { type ServerCertificate, selfSigned } from './certs.ts';
import { applyMergePatch, FakeStore, failure } from './fake-store.ts';
import { type OpenWatch, openWatch } from './fake-watch.ts';
import { type Call, type Fault, FaultPlan, type Rule, type StreamFilter } from './faults.ts';

interface Target {
  /** `group/version/plural`. */
  readonly collection: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

export interface FakeOptions {
  /** Offer HTTP/2 as the real API server does. @default false */
  readonly http2?: boolean;
  /** Keep each call in `calls`. @default true */
  readonly record?: boolean;
  /** Of delays that are injected. @default the system's */
  readonly clock?: Clock | undefined;
}

/** An HTTPS server that behaves like kube-apiserver as far as a client can tell, and badly on demand. */
export class FakeApiServer {
  readonly store = new FakeStore();
  readonly calls: Call[] = [];
  /** ALPN protocol of each TLS connection, in order; its length is the number of handshakes. */
  readonly handshakes: string[] = [];
  readonly #faults = new FaultPlan();
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();
  readonly #certificate: ServerCertificate;
  readonly #server: ReturnType<typeof createServer> | ReturnType<typeof createSecureServer>;
  readonly #snapshots = new Map<string, KubeObject[]>();
  filter: StreamFilter = (event) => [event];
  readonly #record: boolean;
  readonly #clock: Clock;
  #port = 0;

  private constructor(certificate: ServerCertificate, options: FakeOptions) {
    this.#certificate = certificate;
    this.#record = options.record ?? true;
    this.#clock = options.clock ?? systemClock;
    const handler = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#server =
      options.http2 === true
        ? createSecureServer({ ...certificate, allowHTTP1: true }, handler as never)
        : createServer({ ...certificate, keepAliveTimeout: 60_000 }, handler);
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.handshakes.push(socket.alpnProtocol || 'http/1.1');
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: FakeOptions = {}): Promise<FakeApiServer> {
    const fake = new FakeApiServer(await selfSigned(), options);
    await fake.listen();
    return fake;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Listens on a free port, or again on the port it had before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections and stops listening. The objects stay. */
  async stop(): Promise<void> {
    for (const watch of this.#watches) watch.end();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  kubeConfig(): KubeConfig {
    const kc = new KubeConfig();
    const caData = Buffer.from(this.#certificate.cert).toString('base64');
    kc.loadFromClusterAndUser(
      { name: 'fake', server: this.url, caData, skipTLSVerify: false },
      { name: 'tester', token: 'test-token' },
    );
    return kc;
  }

  inject(rule: Rule): void {
    this.#faults.add(rule);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Ends each open watch the way `how` says: in good order, by a cut, or with a 410 event. */
  breakWatches(how: 'end' | 'reset' | 'gone'): void {
    for (const watch of this.#watches) {
      if (how === 'end') watch.end();
      else if (how === 'reset') watch.reset();
      else watch.gone();
    }
  }

  /** Sends each open watch a bookmark. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const query = url.searchParams;
    const call: Call = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query,
      watch: query.get('watch') === '1' || query.get('watch') === 'true',
      headers: request.headers,
    };
    if (this.#record) this.calls.push(call);
    response.on('error', () => {});
    const fault = this.#faults.take(call);
    try {
      const body = await readBody(request);
      if (fault?.kind === 'delay') await this.#clock.sleep(fault.ms);
      if (fault !== undefined && this.#strike(fault, request, response)) return;
      const answer = call.watch ? this.#watch(call, response) : this.#handle(call, body);
      if (fault?.kind === 'reset') request.socket.destroy();
      else if (answer !== undefined) send(response, call.method === 'POST' ? 201 : 200, answer);
    } catch (error) {
      sendError(response, error);
    }
  }

  /** True when the fault is the whole answer. */
  #strike(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
    switch (fault.kind) {
      case 'blackHole':
        return true;
      case 'reset':
        if (fault.afterCommit === true) return false;
        request.socket.destroy();
        return true;
      case 'status': {
        if (fault.retryAfter !== undefined) response.setHeader('Retry-After', fault.retryAfter);
        if (fault.body === undefined) send(response, fault.code, statusBody(fault.code, 'Injected', 'injected fault'));
        else response.writeHead(fault.code, { 'content-type': 'text/html' }).end(fault.body);
        return true;
      }
      case 'delay':
        return false;
    }
  }

  #watch(call: Call, response: ServerResponse): undefined {
    const { collection, namespace } = targetOf(call.path);
    const watch = openWatch({
      store: this.store,
      collection,
      namespace,
      version: Number(call.query.get('resourceVersion') ?? '0'),
      timeoutMs: Number(call.query.get('timeoutSeconds') ?? '60') * 1000,
      response,
      filter: (event) => this.filter(event),
      onClose: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    return undefined;
  }

  #handle(call: Call, body: string): object {
    if (call.path === '/version') return { major: '1', minor: '37', gitVersion: 'v1.37.2' };
    const target = targetOf(call.path);
    const { collection, namespace, name, subresource } = target;
    if (name === undefined) {
      if (call.method === 'GET') return this.#list(call, collection, namespace);
      const obj = JSON.parse(body) as KubeObject;
      return this.store.create(collection, keyString({ namespace, name: obj.metadata.name }), obj);
    }
    const key = keyString({ namespace, name });
    switch (call.method) {
      case 'GET':
        return this.store.get(collection, key);
      case 'PUT':
        return this.store.replace(collection, key, JSON.parse(body) as KubeObject, subresource);
      case 'PATCH':
        return this.#patch(call, target, key, body);
      case 'DELETE': {
        const options = body === '' ? {} : (JSON.parse(body) as { preconditions?: { uid?: string } });
        return this.store.delete(collection, key, options.preconditions);
      }
      default:
        throw failure(405, 'MethodNotAllowed', `${call.method} is not supported`);
    }
  }

  /** Merge patches exactly; apply patches as a merge that may create (no field ownership). */
  #patch(call: Call, { collection, subresource }: Target, key: string, body: string): KubeObject {
    const type = String(call.headers['content-type']);
    const patch = JSON.parse(body) as KubeObject;
    if (type.includes('apply-patch')) {
      try {
        this.store.get(collection, key);
      } catch {
        return this.store.create(collection, key, patch);
      }
    } else if (!type.includes('merge-patch')) {
      throw failure(415, 'UnsupportedMediaType', `${type} is not supported`);
    }
    const merged = applyMergePatch(this.store.get(collection, key), patch) as KubeObject;
    return this.store.replace(collection, key, merged, subresource);
  }

  #list(call: Call, collection: string, namespace: string | undefined): object {
    const [version = 0, offset = 0] = (call.query.get('continue') ?? `${this.store.version}:0`).split(':').map(Number);
    const limit = Number(call.query.get('limit') ?? '0') || Number.POSITIVE_INFINITY;
    this.store.since(collection, version);
    // Pages show one moment, however long the reader takes.
    const snapshot = `${collection} ${namespace} ${version}`;
    const all = this.#snapshots.get(snapshot) ?? this.store.list(collection, namespace);
    const end = offset + limit;
    const more = end < all.length ? { continue: `${version}:${end}` } : {};
    if (end < all.length) this.#snapshots.set(snapshot, all);
    else this.#snapshots.delete(snapshot);
    const items = all.slice(offset, end).map(withoutType);
    return { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: String(version), ...more }, items };
  }
}

/** Items of a list carry no apiVersion and kind, as in the real server. */
function withoutType(obj: KubeObject): object {
  return { ...obj, apiVersion: undefined, kind: undefined };
}

function targetOf(path: string): Target {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  const core = parts[0] === 'api';
  const [group, version] = core ? ['', parts[1] ?? ''] : [parts[1] ?? '', parts[2] ?? ''];
  const rest = parts.slice(core ? 2 : 3);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [plural, name, subresource] = namespaced ? rest.slice(2) : rest;
  if (plural === undefined) throw failure(404, 'NotFound', `no such path: ${path}`);
  return {
    collection: `${group}/${version}/${plural}`,
    ...(namespaced && rest[1] !== undefined ? { namespace: rest[1] } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return;
  const { status, reason, message } =
    error instanceof ApiError
      ? error
      : failure(500, 'InternalError', error instanceof Error ? error.message : 'unknown');
  send(response, status, statusBody(status, reason, message));
}

function statusBody(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message };
}
