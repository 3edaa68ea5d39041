import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { CheckpointRequest, MetricsPage, TrainerStatus } from '../messages.ts';
import { PROTOCOL } from '../spec.ts';

/** What a trainer does behind its control protocol. */
export type Control = {
  status(): TrainerStatus;
  metrics(since: number, limit: number): MetricsPage;
  requestCheckpoint(request: { id: string; stop: boolean; reason?: string }): CheckpointRequest;
  checkpoint(id: string): CheckpointRequest | undefined;
  /** True where it was pending. */
  cancelCheckpoint(id: string): boolean;
  stop(request: { id: string; checkpoint: boolean }): void;
  setDeadline(at: number | null): void;
};

const checkpointBody = z.object({ id: z.string().min(1), stop: z.boolean(), reason: z.string().exactOptional() });
const stopBody = z.object({ id: z.string().min(1), checkpoint: z.boolean() });
const deadlineBody = z.union([
  z.object({ deadline: z.iso.datetime({ offset: true }).nullable() }),
  z.object({ seconds: z.number() }),
]);

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const readBody = async <T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Refusal(400, 'InvalidRequest', 'the body does not fit');
  }
};

const route = async (request: IncomingMessage, control: Control, token: string): Promise<[number, unknown]> => {
  const url = new URL(request.url ?? '/', 'http://trainer');
  const call = `${request.method} ${url.pathname}`;
  if (call === 'GET /healthz') return [200, { ok: true }];
  const offered = [request.headers.authorization, request.headers['kriptik-authorization']];
  if (!offered.includes(`Bearer ${token}`)) {
    throw new Refusal(401, 'Unauthorized', 'the bearer token is missing or wrong');
  }
  switch (call) {
    case 'GET /v1/status':
      return [200, control.status()];
    case 'GET /v1/metrics':
      return [
        200,
        control.metrics(Number(url.searchParams.get('since') ?? 0), Number(url.searchParams.get('limit') ?? 1000)),
      ];
    case 'POST /v1/checkpoint':
      return [202, control.requestCheckpoint(await readBody(request, checkpointBody))];
    case 'POST /v1/stop': {
      const body = await readBody(request, stopBody);
      control.stop(body);
      return [202, { id: body.id }];
    }
    case 'PUT /v1/deadline': {
      const body = await readBody(request, deadlineBody);
      const at =
        'seconds' in body
          ? Date.now() + body.seconds * 1000
          : body.deadline === null
            ? null
            : Date.parse(body.deadline);
      control.setDeadline(at);
      return [200, { deadline: at === null ? null : new Date(at).toISOString() }];
    }
    default: {
      const [, withdrawn] = /^DELETE \/v1\/checkpoint\/(.+)$/.exec(call) ?? [];
      if (withdrawn !== undefined && control.cancelCheckpoint(decodeURIComponent(withdrawn))) {
        return [200, { id: decodeURIComponent(withdrawn), state: 'cancelled' }];
      }
      const [, id] = /^GET \/v1\/checkpoint\/(.+)$/.exec(call) ?? [];
      const known = id === undefined ? undefined : control.checkpoint(decodeURIComponent(id));
      if (known === undefined) throw new Refusal(404, 'NotFound', `there is nothing at ${url.pathname}`);
      return [200, known];
    }
  }
};

const answer = (response: ServerResponse, status: number, body: unknown, type: string): void => {
  response.writeHead(status, { 'content-type': type, 'kriptik-protocol': String(PROTOCOL) });
  response.end(JSON.stringify(body));
};

/** Answers one request of the control protocol; never throws. */
export const answerControl = (
  request: IncomingMessage,
  response: ServerResponse,
  control: Control,
  token: string,
): void => {
  route(request, control, token).then(
    ([status, body]) => answer(response, status, body, 'application/json'),
    (error: unknown) => {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'Internal', String(error));
      const { status, code, message } = refusal;
      answer(response, status, { title: code, status, detail: message, code }, 'application/problem+json');
    },
  );
};

/** Serves the control protocol, on a free port of the loopback interface unless told otherwise. */
export const serveControl = async (
  control: Control,
  token: string,
  port = 0,
  host = '127.0.0.1',
): Promise<{ server: Server; port: number }> => {
  // It closes no idle connection: where a machine is slow, that crosses the next request on its way.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) =>
    answerControl(request, response, control, token),
  );
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return { server, port: (server.address() as AddressInfo).port };
};
