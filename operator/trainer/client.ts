import { Agent, type Dispatcher, request as send } from 'undici';
import type { z } from 'zod';
import { TrainerError } from './errors.ts';
import * as messages from './messages.ts';
import { PROTOCOL } from './spec.ts';

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 5_000;

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** How one call is sent, where the operator's usual way does not lead to the trainer. */
export type Send = (
  url: URL,
  request: { method: Method; headers: Record<string, string>; body: string | null; signal: AbortSignal },
) => Promise<Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>>;

export type TrainerClientOptions = {
  /** Like http://127.0.0.1:4711; a path in it, as of a proxy, comes before the paths of the protocol. */
  baseUrl: string;
  token: string;
  /** Deadline of each call, milliseconds. Default 5000. */
  timeoutMs?: number;
  /** Connections to share with other clients; without one each client has its own, to be closed. */
  dispatcher?: Dispatcher;
  /**
   * Sends the calls in place of this client's own connections. The token is then in `Kriptik-Authorization` alone: what
   * lies between may want `Authorization` for itself.
   */
  send?: Send;
};

export type TrainerClient = {
  status(): Promise<messages.TrainerStatus>;
  /** Points numbered above `since`, oldest first, at most `limit` of them. */
  metrics(since: number, limit?: number): Promise<messages.MetricsPage>;
  /** Asks for a checkpoint; the same id again asks for nothing new. */
  checkpoint(ask: { id: string; stop: boolean; reason: string }): Promise<messages.CheckpointRequest>;
  /** Undefined if the trainer does not know the request, as after a restart of it. */
  checkpointState(id: string): Promise<messages.CheckpointRequest | undefined>;
  stop(ask: { id: string; checkpoint: boolean }): Promise<void>;
  /** Withdraws a request that has not begun to be followed. False when it has, or when the trainer does not know it. */
  cancelCheckpoint(id: string): Promise<boolean>;
  /**
   * Seconds from now by which the trainer must have saved and exited, so that no two clocks are compared; null lifts it.
   * Returns what now holds, epoch milliseconds of the trainer's clock.
   */
  setDeadlineIn(seconds: number | null): Promise<number | null>;
  close(): Promise<void>;
};

/** Reads an answer up to a bound: a trainer runs other people's code, the operator does not trust its size. */
const readBounded = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

type Answer = { status: number; version: string | undefined; text: string };

/** What a refusal means. */
const refusal = (call: string, { status, text }: Answer): TrainerError => {
  if (status === 401 || status === 403) {
    return new TrainerError('Unauthorized', `${call}: the trainer does not accept this attempt's token`, { status });
  }
  const document = messages.problem.safeParse(parseJson(text));
  if (document.success) {
    const { title, detail, code } = document.data;
    return new TrainerError('Problem', `${call}: ${detail ?? title}`, { status, ...(code ? { code } : {}) });
  }
  // A gateway between answers for a trainer that cannot.
  const kind = status >= 500 ? 'Unreachable' : 'ProtocolMismatch';
  return new TrainerError(kind, `${call}: status ${status} without a problem document`, { status });
};

const checkVersion = (call: string, { status, version }: Answer): void => {
  if (version === String(PROTOCOL)) return;
  const spoken = version === undefined ? 'no version' : `version ${version}`;
  throw new TrainerError(
    'ProtocolMismatch',
    `${call}: the trainer speaks ${spoken} of the control protocol, this operator version ${PROTOCOL}; ` +
      'use a trainer of the same release',
    { status },
  );
};

/** A client of one attempt's control server. Stateless but for its connections; errors are `TrainerError`. */
export const createTrainerClient = (options: TrainerClientOptions): TrainerClient => {
  const direct = options.send === undefined;
  const own = direct && options.dispatcher === undefined ? new Agent({ allowH2: false, connections: 2 }) : undefined;
  const dispatcher = options.dispatcher ?? own;
  const base = options.baseUrl.replace(/\/+$/, '');
  const bearer = `Bearer ${options.token}`;
  const dispatch: Send =
    options.send ?? ((url, request) => send(url, { ...request, ...(dispatcher === undefined ? {} : { dispatcher }) }));
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;

  const ask = async (method: Method, path: string, body?: unknown): Promise<Answer> => {
    try {
      const response = await dispatch(new URL(base + path), {
        method,
        headers: {
          'kriptik-authorization': bearer,
          ...(direct ? { authorization: bearer } : {}),
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const version = response.headers['kriptik-protocol'];
      const text = await readBounded(response.body);
      return { status: response.statusCode, version: Array.isArray(version) ? version[0] : version, text };
    } catch (error) {
      const why = error instanceof Error ? error.message || error.name : String(error);
      throw new TrainerError('Unreachable', `${method} ${path}: no answer from the trainer: ${why}`, { cause: error });
    }
  };

  const call = async <T>(method: Method, path: string, schema: z.ZodType<T>, body?: unknown) => {
    const name = `${method} ${path}`;
    const answer = await ask(method, path, body);
    if (answer.status >= 400) throw refusal(name, answer);
    checkVersion(name, answer);
    const parsed = schema.safeParse(parseJson(answer.text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? '' : `${issue.path.join('.') || 'the answer'}: ${issue.message}`;
    throw new TrainerError('ProtocolMismatch', `${name}: not an answer of the control protocol: ${where}`, {
      status: answer.status,
    });
  };

  return {
    status: () => call('GET', '/v1/status', messages.status),
    metrics: (since, limit = 1000) => call('GET', `/v1/metrics?since=${since}&limit=${limit}`, messages.metricsPage),
    checkpoint: (body) => call('POST', '/v1/checkpoint', messages.checkpointRequest, body),
    async checkpointState(id) {
      try {
        return await call('GET', `/v1/checkpoint/${encodeURIComponent(id)}`, messages.checkpointRequest);
      } catch (error) {
        if (error instanceof TrainerError && error.kind === 'Problem' && error.status === 404) return undefined;
        throw error;
      }
    },
    async stop(body) {
      await call('POST', '/v1/stop', messages.accepted, body);
    },
    async cancelCheckpoint(id) {
      try {
        await call('DELETE', `/v1/checkpoint/${encodeURIComponent(id)}`, messages.accepted);
        return true;
      } catch (error) {
        if (error instanceof TrainerError && error.kind === 'Problem') return false;
        throw error;
      }
    },
    async setDeadlineIn(seconds) {
      const body = seconds === null ? { deadline: null } : { seconds: Math.max(0, seconds) };
      const { deadline } = await call('PUT', '/v1/deadline', messages.deadlineAnswer, body);
      return deadline === null ? null : Date.parse(deadline);
    },
    async close() {
      await own?.destroy();
    },
  };
};
