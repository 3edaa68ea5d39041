import { Agent, request } from 'node:https';
import type { Kubeconfig } from './kubeconfig.ts';

/** How to reach an API server: TLS material and headers. Buffers and PEM text alike. */
export interface Connection {
  readonly server: string;
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of the API server; `body` is the JSON value, or the text where it is not JSON. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The few calls this package needs of an API server. */
export interface KubeClient {
  /** Any answer, refusals included. Throws only when no answer comes within the deadline. */
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>;
  /** As `send`, but an answer that is no success becomes a {@link KubeError}. */
  readonly call: (method: string, path: string, options?: SendOptions) => Promise<unknown>;
  /** Closes idle connections. */
  readonly close: () => void;
}

interface SendOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

/** The API server refused a call; the message is its own. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The API server closes connections that are idle for 90 s, perhaps while the next call is being written: we do so first. */
const IDLE_MS = 30_000;

/** A client over one kept-alive set of connections. */
export function connect(connection: Connection): KubeClient {
  const { server, headers = {}, ...tls } = connection;
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, ...tls });
  const send: KubeClient['send'] = (method, path, options = {}) =>
    exchange({ url: new URL(`${server.replace(/\/$/, '')}${path}`), method, headers, agent, ...options });
  return {
    send,
    async call(method, path, options) {
      const { status, body } = await send(method, path, options);
      if (status >= 200 && status < 300) return body;
      throw new KubeError(status, `${method} ${path}: ${status} ${messageOf(body)}`);
    },
    close: () => agent.destroy(),
  };
}

/** The connection that a kubeconfig of {@link makeKubeconfig} describes. */
export function connectionOf(kubeconfig: Kubeconfig): Connection {
  const [{ cluster }] = kubeconfig.clusters;
  const [{ user }] = kubeconfig.users;
  const ca = cluster['certificate-authority-data'];
  return {
    server: cluster.server,
    ...(ca && { ca: Buffer.from(ca, 'base64') }),
    ...('token' in user
      ? { headers: { authorization: `Bearer ${user.token}` } }
      : {
          cert: Buffer.from(user['client-certificate-data'], 'base64'),
          key: Buffer.from(user['client-key-data'], 'base64'),
        }),
  };
}

interface Exchange extends SendOptions {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

function exchange({ url, method, headers, agent, body, contentType, timeoutMs = 30_000 }: Exchange): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        ...headers,
        ...(payload !== undefined && {
          'content-type': contentType ?? 'application/json',
          'content-length': String(Buffer.byteLength(payload)),
        }),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: parse(text) }));
    });
    outgoing.end(payload);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message);
  return typeof body === 'string' ? body.slice(0, 500) : JSON.stringify(body);
}
