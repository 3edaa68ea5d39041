import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTrainerClient, type TrainerClient } from './client.ts';
import { isTrainerError, type TrainerErrorKind } from './errors.ts';
import { serveControl } from './testing/control-server.ts';
import { exampleSpec } from './testing/example-spec.ts';
import { FakeRun } from './testing/fake-run.ts';

let root: string;
let servers: Server[];
let clients: TrainerClient[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-client-'));
  servers = [];
  clients = [];
});
afterEach(async () => {
  for (const client of clients) await client.close();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(root, { recursive: true, force: true });
});

const client = (baseUrl: string, token = 'secret', timeoutMs = 15_000): TrainerClient => {
  const made = createTrainerClient({ baseUrl, token, timeoutMs });
  clients.push(made);
  return made;
};

const startFake = async (): Promise<{ run: FakeRun; baseUrl: string }> => {
  const spec = exampleSpec('job-1', pathToFileURL(join(root, 'store')).href);
  const run = new FakeRun(spec, { stepMs: 1, checkpointMs: 1, totalSteps: 20, log: () => undefined });
  const { server, port } = await serveControl(run, 'secret');
  servers.push(server);
  return { run, baseUrl: `http://127.0.0.1:${port}` };
};

/** A server that is not a trainer, or a broken one. */
const answering = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const fails = (kind: TrainerErrorKind, message: RegExp) => (error: unknown) => {
  expect(String(error)).toMatch(message);
  return isTrainerError(error, kind);
};

describe('a trainer that follows the protocol', () => {
  test('tells its status before, during and after the run', async () => {
    const { run, baseUrl } = await startFake();
    const trainer = client(baseUrl);
    expect(await trainer.status()).toMatchObject({ phase: 'starting', step: 0, loss: null, lastCheckpoint: null });
    await run.run();
    const status = await trainer.status();
    expect(status).toMatchObject({ phase: 'finished', step: 20, attempt: 'job-1' });
    expect(status.artifacts.map((artifact) => artifact.name)).toEqual(['adapter']);
    expect(status.lastCheckpoint?.step).toBe(20);
  });

  test('hands out metrics from where the last call ended', async () => {
    const { run, baseUrl } = await startFake();
    const trainer = client(baseUrl);
    await run.run();
    const first = await trainer.metrics(0, 15);
    const second = await trainer.metrics(first.next);
    expect([...first.points, ...second.points].map((point) => point.n)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect((await trainer.metrics(second.next)).points).toEqual([]);
  });

  test('answers the same checkpoint request once, and says when it is done', async () => {
    const { run, baseUrl } = await startFake();
    const trainer = client(baseUrl);
    const ask = { id: 'freeze/1', stop: true, reason: 'Budget' };
    expect(await trainer.checkpoint(ask)).toMatchObject({ id: 'freeze/1', state: 'pending' });
    expect(await trainer.checkpoint(ask)).toMatchObject({ state: 'pending' });
    expect(await run.run()).toBe('stopped');
    const done = await trainer.checkpointState('freeze/1');
    expect(done).toMatchObject({ state: 'done', checkpoint: { step: 0, reason: 'requested' } });
    expect(await trainer.checkpointState('unknown')).toBeUndefined();
  });

  test('takes a deadline and lifts it', async () => {
    const { baseUrl } = await startFake();
    const trainer = client(baseUrl);
    const before = Date.now();
    const held = (await trainer.setDeadlineIn(90)) ?? 0;
    expect(held).toBeGreaterThanOrEqual(before + 90_000);
    expect(Date.parse((await trainer.status()).deadline ?? '')).toBe(held);
    expect(await trainer.setDeadlineIn(null)).toBeNull();
  });

  test('stops without saving when told so', async () => {
    const { run, baseUrl } = await startFake();
    await client(baseUrl).stop({ id: 'stop-1', checkpoint: false });
    expect(await run.run()).toBe('stopped');
    expect(run.lastCheckpoint).toBeNull();
  });

  test('refuses another token', async () => {
    const { baseUrl } = await startFake();
    await expect(client(baseUrl, 'wrong').status()).rejects.toSatisfy(fails('Unauthorized', /does not accept/));
  });

  test('is reached through something that keeps Authorization for itself and has a path of its own', async () => {
    const { run, baseUrl } = await startFake();
    const seen: [string, string[]][] = [];
    const proxied = createTrainerClient({
      baseUrl: 'https://cluster.example/api/v1/namespaces/team/pods/job-1-0:8080/proxy/',
      token: 'secret',
      send: (url, asked) => {
        seen.push([url.href, Object.keys(asked.headers)]);
        return request(new URL(url.pathname.split('/proxy')[1] + url.search, baseUrl), asked);
      },
    });
    clients.push(proxied);
    expect(await proxied.status()).toMatchObject({ attempt: 'job-1' });
    await proxied.checkpoint({ id: 'one', stop: true, reason: 'test' });
    expect(await run.run()).toBe('stopped');
    expect(seen[0]).toEqual([
      'https://cluster.example/api/v1/namespaces/team/pods/job-1-0:8080/proxy/v1/status',
      ['kriptik-authorization', 'accept'],
    ]);
  });

  test('refuses a request it does not understand, in its own words', async () => {
    const { baseUrl } = await startFake();
    const asking = client(baseUrl).checkpoint({ id: '', stop: false, reason: '' });
    await expect(asking).rejects.toSatisfy(fails('Problem', /the body does not fit/));
  });
});

describe('answers that are none', () => {
  const json = { 'content-type': 'application/json', 'kriptik-protocol': '1' };
  const faults: [string, TrainerErrorKind, RegExp, RequestListener][] = [
    [
      'a later protocol',
      'ProtocolMismatch',
      /speaks version 2 .* this operator version 1; use a trainer of the same release/,
      (_, r) => void r.writeHead(200, { ...json, 'kriptik-protocol': '2' }).end('{}'),
    ],
    [
      'something else on the port',
      'ProtocolMismatch',
      /speaks no version/,
      (_, r) => void r.writeHead(200).end('<html>'),
    ],
    [
      'a page of something else',
      'ProtocolMismatch',
      /status 404 without a problem/,
      (_, r) => void r.writeHead(404).end('<html>'),
    ],
    [
      'a gateway without a trainer behind it',
      'Unreachable',
      /status 502/,
      (_, r) => void r.writeHead(502).end('bad gateway'),
    ],
    [
      'a status without its fields',
      'ProtocolMismatch',
      /not an answer of the control protocol: /,
      (_, r) => void r.writeHead(200, json).end('{"protocol":1}'),
    ],
    ['a connection that breaks', 'Unreachable', /no answer/, (_, r) => void r.destroy()],
    [
      'an answer without an end',
      'Unreachable',
      /longer than/,
      (_, r) => void r.writeHead(200, json).end(Buffer.alloc(9 * 1024 * 1024, 0x20)),
    ],
  ];
  test.each(faults)('%s is %s', async (_, kind, message, listener) => {
    const trainer = client(await answering(listener), 'secret', 15_000);
    await expect(trainer.status()).rejects.toSatisfy(fails(kind, message));
  });

  test('an answer that never comes is Unreachable', async () => {
    const trainer = client(await answering(() => undefined), 'secret', 300);
    await expect(trainer.status()).rejects.toSatisfy(fails('Unreachable', /no answer.*(abort|timeout)/i));
  });

  test('nobody on the port is Unreachable, and the token is not in the message', async () => {
    const trainer = client('http://127.0.0.1:1');
    await expect(trainer.status()).rejects.toSatisfy(fails('Unreachable', /^(?!.*secret).*no answer/));
  });

  test('fields of a later version are no fault', async () => {
    const { run } = await startFake();
    const status = { ...run.status(), added: { later: true } };
    const baseUrl = await answering((_, response) => void response.writeHead(200, json).end(JSON.stringify(status)));
    expect((await client(baseUrl).status()).phase).toBe('starting');
  });
});
