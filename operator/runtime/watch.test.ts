import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';
import { KubeClient } from './rest.ts';
import { eventually, WIDGETS } from './testing/objects.ts';
import type { ConnectionSource } from './transport.ts';
import { type WatchOptions, watch } from './watch.ts';

let server: Server;
let client: KubeClient;
let respond: (write: (text: string | Buffer) => void, end: () => void, cut: () => void) => void;

beforeEach(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    respond(
      (text) => response.write(text),
      () => response.end(),
      () => response.socket?.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new KubeClient(sourceOf(server), { userAgent: 'rig/1', timeoutMs: 60_000 });
});

afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

function sourceOf(of: Server): ConnectionSource {
  return {
    server: `http://127.0.0.1:${(of.address() as AddressInfo).port}`,
    settings: () => Promise.resolve({ tls: {}, headers: {} }),
    invalidate: () => {},
  };
}

async function collect(
  options: Partial<WatchOptions> & { names?: string[] } = {},
): Promise<{ names: string[]; error?: unknown }> {
  const { names = [] } = options;
  try {
    const signal = options.signal ?? new AbortController().signal;
    for await (const event of watch(client, WIDGETS, { resourceVersion: '1', signal, ...options })) {
      names.push(`${event.type} ${event.object.metadata.name}`);
    }
  } catch (error) {
    return { names, error };
  }
  return { names };
}

/** Until the server has seen the end of every connection. */
const closed = async (): Promise<void> => {
  let open = -1;
  await eventually(() => {
    server.getConnections((_error, found) => {
      open = found;
    });
    return open === 0;
  }, 'no connection is left');
};

const line = (type: string, name: string): string => `${JSON.stringify({ type, object: { metadata: { name } } })}\n`;

it('reads events that arrive in pieces, split inside a character', async () => {
  const bytes = Buffer.from(line('ADDED', 'é') + line('MODIFIED', 'b'));
  respond = (write, end) => {
    let at = 0;
    const next = (): void => {
      if (at >= bytes.length) {
        end();
        return;
      }
      write(bytes.subarray(at, at + 7));
      at += 7;
      setImmediate(next);
    };
    next();
  };
  expect(await collect()).toEqual({ names: ['ADDED é', 'MODIFIED b'] });
});

it('reads many events in one piece, and a long one in many', async () => {
  const long = 'x'.repeat(300_000);
  respond = (write, end) => {
    write(Array.from({ length: 1_000 }, (_, index) => line('ADDED', `n${index}`)).join(''));
    write(line('ADDED', long));
    end();
  };
  const { names } = await collect();
  expect(names.length).toBe(1_001);
  expect(names.at(-1)?.length).toBe(300_006);
});

it('throws when the connection is cut in the middle of an event, after those that were whole', async () => {
  respond = (write, _end, cut) => {
    write(line('ADDED', 'a') + line('ADDED', 'b').slice(0, 10));
    setTimeout(cut, 20);
  };
  const { names, error } = await collect();
  expect(names).toEqual(['ADDED a']);
  expect(error).toMatchObject({ name: 'UnreachableError' });
});

it('turns an ERROR event into the error it stands for', async () => {
  respond = (write) =>
    write(`{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n`);
  const { error } = await collect();
  expect(error).toMatchObject({ name: 'ApiError', status: 410, reason: 'Expired', message: 'too old' });
});

it('gives up a stream that has fallen silent, but not a slow one', async () => {
  const clock = new FakeClock();
  await client.close();
  client = new KubeClient(sourceOf(server), { userAgent: 'rig/1', timeoutMs: 60_000, clock });
  const opened = Promise.withResolvers<(text: string) => void>();
  respond = (write) => opened.resolve(write);
  const names: string[] = [];
  const result = collect({ idleMs: 1_500, names });
  const write = await opened.promise;
  for (const sent of [1, 2, 3, 4, 5]) {
    write(line('BOOKMARK', `b${sent}`));
    await eventually(() => names.length === sent, 'the line is read');
    await clock.advance(1_000);
  }
  await clock.advance(500);
  const { error } = await result;
  expect(names.length).toBe(5);
  expect(error).toMatchObject({ code: 'IDLE' });
});

it('gives up when the server takes the request and says nothing', async () => {
  server.removeAllListeners('request');
  await client.close();
  client = new KubeClient(sourceOf(server), { userAgent: 'rig/1', timeoutMs: 300 });
  const { error } = await collect();
  expect(error).toMatchObject({ code: 'DEADLINE' });
});

it('ends quietly and closes the connection when told to stop', async () => {
  respond = (write) => write(line('ADDED', 'a'));
  const stopper = new AbortController();
  const names: string[] = [];
  const result = collect({ signal: stopper.signal, names });
  await eventually(() => names.length === 1, 'a is told');
  stopper.abort();
  expect(await result).toEqual({ names: ['ADDED a'] });
  await closed();
  expect(await collect({ signal: stopper.signal })).toEqual({ names: [] });
});

it('closes the connection when the reader stops reading', async () => {
  respond = (write) => write(line('ADDED', 'a') + line('ADDED', 'b'));
  for await (const event of watch(client, WIDGETS, { resourceVersion: '1', signal: new AbortController().signal })) {
    expect(event.object.metadata.name).toBe('a');
    break;
  }
  await closed();
});
