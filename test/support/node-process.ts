// A process of its own that starts a node, says its name, and never ends by itself: for tests that kill it.
import { startNode } from './node.ts';

const node = await startNode({ source: 'embedded' });
console.log(`node ${node.nodeName}`);
setInterval(() => {}, 60_000);
