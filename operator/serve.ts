#!/usr/bin/env node
import { createServer, type ServerResponse } from 'node:http';
import { startOperator } from './main.ts';
import { errorMessage } from './runtime/errors.ts';
import { createLogger } from './runtime/log.ts';

/**
 * The operator as a process of its own, for a pod or a supervisor. Environment: KUBECONFIG, KRIPTIK_NAMESPACE,
 * KRIPTIK_LEADER_ELECTION (true|false), KRIPTIK_HTTP_ADDRESS (host:port for /healthz, /readyz, /metrics; unset: none),
 * KRIPTIK_LOG_LEVEL; those of Claude and of the Hub stand in docs/intent.md and docs/hub.md. Exits 0 after SIGTERM or SIGINT, 1 on anything else.
 */
async function serve(): Promise<void> {
  const log = createLogger({ name: 'kriptik', level: process.env['KRIPTIK_LOG_LEVEL'] ?? 'info' });
  const namespace = process.env['KRIPTIK_NAMESPACE'];
  const operator = await startOperator({
    kubeconfig: process.env['KUBECONFIG'],
    ...(namespace === undefined ? {} : { namespace }),
    leaderElection: process.env['KRIPTIK_LEADER_ELECTION'] === 'true',
    log,
  });
  const answer = (response: ServerResponse, ok: boolean): void =>
    void response.writeHead(ok ? 200 : 503).end(ok ? 'ok' : 'not ready');
  const server = createServer((request, response) => {
    if (request.url === '/healthz') return answer(response, true);
    if (request.url === '/readyz') return answer(response, operator.ready());
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    void operator.metrics.registry
      .metrics()
      .then((text) => response.writeHead(200, { 'content-type': operator.metrics.registry.contentType }).end(text));
  });
  const address = process.env['KRIPTIK_HTTP_ADDRESS'];
  if (address !== undefined) {
    const [host, port] = [
      address.slice(0, address.lastIndexOf(':')),
      Number(address.slice(address.lastIndexOf(':') + 1)),
    ];
    server.listen(port, host || undefined);
  }
  const stop = (): void => void operator.stop().then(() => server.close());
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await operator.done;
}

serve().catch((error: unknown) => {
  process.stderr.write(`kriptik operator: ${errorMessage(error)}\n`);
  process.exitCode = 1;
  process.exit();
});
