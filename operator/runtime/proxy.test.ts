import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { Informer } from './informer.ts';
import { silentLogger } from './log.ts';
import { KubeClient } from './rest.ts';
import { FakeApiServer } from './testing/fake-apiserver.ts';
import { eventually, WIDGET_COLLECTION, WIDGETS, widget } from './testing/objects.ts';

it('calls and watches go through the proxy the kubeconfig names', async () => {
  const server = await FakeApiServer.start();
  const tunnels: string[] = [];
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host ?? '', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await once(proxy, 'listening');
  const kc = server.kubeConfig();
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  kc.clusters = kc.clusters.map((cluster) => ({ ...cluster, proxyUrl }));
  const client = KubeClient.fromKubeConfig(kc, { userAgent: 'rig/1' });
  const informer = new Informer({ client: client.resource(WIDGETS), log: silentLogger() });
  try {
    await client.version();
    informer.start();
    await informer.waitForSync();
    await eventually(() => server.openWatches === 1, 'the watch is open');
    server.store.create(WIDGET_COLLECTION, 'default/a', widget('a'));
    await eventually(() => informer.size === 1, 'a arrives');
    expect(new Set(tunnels)).toEqual(new Set([new URL(server.url).host]));
    expect(server.handshakes.every((protocol) => protocol === 'http/1.1')).toBe(true);
  } finally {
    await informer.stop();
    await client.close();
    await server.stop();
    proxy.closeAllConnections();
    proxy.close();
  }
});
