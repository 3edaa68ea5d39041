/** The fake API server as a process of its own, so that the client has a core to itself. Prints its kubeconfig. */
import { FakeApiServer } from '../testing/fake-apiserver.ts';

const server = await FakeApiServer.start({ http2: true, record: false });
process.stdout.write(`${server.kubeConfig().exportConfig()}\n`);
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
// The parent is gone when its end of the pipe closes.
process.stdin.on('end', () => process.exit(0)).resume();
