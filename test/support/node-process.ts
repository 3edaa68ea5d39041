// A process of its own that starts a node, says its name and run directory, and never ends by itself: for tests that kill it.
import { dirname } from 'node:path';
import { startNode } from './node.ts';

const node = await startNode({ source: 'embedded' });
console.log(`node ${node.nodeName} ${dirname(node.kubeconfig)}`);
setInterval(() => {}, 60_000);
