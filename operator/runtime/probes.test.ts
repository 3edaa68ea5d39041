/**
 * What @kubernetes/client-node does with connections and watches, and what this runtime does in its place. A failure
 * of a "stock client" test is good news: the fault is mended upstream, and this runtime may have less to do.
 */
import {
  CustomObjectsApi,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Informer } from './informer.ts';
import { silentLogger } from './log.ts';
import { KubeClient } from './rest.ts';
import { FakeApiServer, type FakeOptions } from './testing/fake-apiserver.ts';
import { eventually, WIDGET_COLLECTION, WIDGETS, widget } from './testing/objects.ts';

const REQUESTS = 30;
const PLACE = { group: 'testing.example', version: 'v1', namespace: 'default', plural: 'widgets' };
let server: FakeApiServer;

beforeEach(async () => {
  await startServer({ http2: true });
});

async function startServer(options: FakeOptions): Promise<void> {
  server = await FakeApiServer.start(options);
  server.store.create(WIDGET_COLLECTION, 'default/a', widget('a'));
}

afterEach(async () => {
  await server.stop();
});

describe('connections for 30 requests', () => {
  it('stock client: one TLS handshake each, left open, over HTTP/2', async () => {
    const api = server.kubeConfig().makeApiClient(CustomObjectsApi);
    for (let i = 0; i < REQUESTS; i++) await api.getNamespacedCustomObject({ ...PLACE, name: 'a' });
    expect(server.handshakes.length).toBe(REQUESTS);
    // Those of the last seconds: each is closed once it was idle for a while.
    expect(server.openConnections).toBeGreaterThan(2);
    expect(new Set(server.handshakes)).toEqual(new Set(['h2']));
  });

  it('this client: at most two, over HTTP/1.1', async () => {
    const client = KubeClient.fromKubeConfig(server.kubeConfig(), { userAgent: 'probe' });
    for (let i = 0; i < REQUESTS; i++) await client.resource(WIDGETS).get({ namespace: 'default', name: 'a' });
    expect(server.handshakes.length).toBeLessThanOrEqual(2);
    expect(new Set(server.handshakes)).toEqual(new Set(['http/1.1']));
    await client.close();
  });
});

describe('a connection that goes dead', () => {
  it('this client: the next calls work on another connection', async () => {
    const client = KubeClient.fromKubeConfig(server.kubeConfig(), { userAgent: 'probe', timeoutMs: 60_000 });
    await client.version();
    server.inject({ fault: { kind: 'blackHole' } });
    const outcomes: string[] = [];
    for (let i = 0; i < 5; i++)
      outcomes.push(
        await client.version(i === 0 ? { timeoutMs: 1_000 } : {}).then(
          () => 'ok',
          (error: { code?: string }) => error.code ?? 'error',
        ),
      );
    expect(outcomes).toEqual(['DEADLINE', 'ok', 'ok', 'ok', 'ok']);
    await client.close();
  });
});

describe('a watch whose connection is cut', () => {
  beforeEach(async () => {
    await server.stop();
    await startServer({ http2: false });
  });

  const watches = (): number => server.calls.filter((call) => call.watch).length;

  it('stock informer: an error event, and no watch ever again', async () => {
    const kc = server.kubeConfig();
    const api = kc.makeApiClient(CustomObjectsApi);
    const list = async (): Promise<KubernetesListObject<KubernetesObject>> =>
      await api.listNamespacedCustomObject(PLACE);
    const informer = makeInformer(kc, '/apis/testing.example/v1/namespaces/default/widgets', list);
    const errors: unknown[] = [];
    informer.on('error', (error) => void errors.push(error));
    await informer.start();
    await eventually(() => server.openWatches === 1, 'the watch is open');
    server.breakWatches('reset');
    await eventually(() => errors.length > 0, 'the error event');
    const before = watches();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(watches()).toBe(before);
    await informer.stop();
  });

  it('this informer: watches again and misses nothing', async () => {
    const client = KubeClient.fromKubeConfig(server.kubeConfig(), { userAgent: 'probe' });
    const informer = new Informer({ client: client.resource(WIDGETS), log: silentLogger() });
    informer.start();
    await informer.waitForSync();
    await eventually(() => server.openWatches === 1, 'the watch is open');
    server.breakWatches('reset');
    server.store.create(WIDGET_COLLECTION, 'default/b', widget('b'));
    await eventually(() => informer.size === 2, 'b arrives');
    await informer.stop();
    await client.close();
  });
});
