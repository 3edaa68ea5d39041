/**
 * Small writes a second, in sequence and 20 at a time, against the API server of KUBECONFIG or else a fake one in a
 * process of its own; the same writes with @kubernetes/client-node as it comes; then memory under steady load.
 *
 *   MINUTES=10   how long memory is watched (default 0.25)
 *   SECONDS=5    how long each rate is measured
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { KubeConfig } from '@kubernetes/client-node';
import { isAlreadyExists } from '../errors.ts';
import { loadKubeConfig } from '../kubeconfig.ts';
import { KubeClient } from '../rest.ts';
import {
  CONFIG_MAPS,
  cleanUp,
  configMap,
  type Measurement,
  measure,
  OBJECTS,
  ownWrites,
  stockWrites,
  type Write,
} from './load.ts';

const TARGET_PER_SECOND = 1_500;
const IN_FLIGHT = 20;
const namespace = 'default';
const minutes = Number(process.env['MINUTES'] ?? '0.25');
const seconds = Number(process.env['SECONDS'] ?? '5');

interface Server {
  readonly kc: KubeConfig;
  readonly what: string;
  stop(): Promise<void>;
}

async function chooseServer(): Promise<Server> {
  if ((process.env['KUBECONFIG'] ?? '') !== '') {
    const kc = loadKubeConfig();
    return { kc, what: `API server ${kc.getCurrentCluster()?.server}`, stop: () => Promise.resolve() };
  }
  const child = spawn(process.execPath, [new URL('./fake-server.ts', import.meta.url).pathname], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [config] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kc = new KubeConfig();
  kc.loadFromString(config);
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, 'exit');
  };
  return { kc, what: 'fake API server', stop };
}

function row(name: string, { perSecond, perCpuSecond, connections, p50Ms, p99Ms }: Measurement): void {
  const cells = [
    perSecond.toFixed(0),
    perCpuSecond.toFixed(0),
    String(connections),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
  ];
  console.log(name.padEnd(34) + cells.map((cell) => cell.padStart(12)).join(''));
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap after garbage collection, MiB, sampled at equal steps of a steady load. */
async function watchMemory(write: Write): Promise<number[]> {
  const samples: number[] = [];
  const steps = 10;
  // The first step warms up caches and compiled code.
  await measure(write, IN_FLIGHT, Math.min(10_000, minutes * 6_000));
  for (let step = 0; step < steps; step++) {
    await measure(write, IN_FLIGHT, (minutes * 60_000) / steps);
    collectGarbage();
    samples.push(process.memoryUsage().heapUsed / 2 ** 20);
  }
  return samples;
}

const server = await chooseServer();
const client = KubeClient.fromKubeConfig(server.kc, { userAgent: 'bench/1', qps: Number.POSITIVE_INFINITY });
try {
  for (let n = 0; n < OBJECTS; n++) {
    await client
      .resource(CONFIG_MAPS)
      .create(configMap(namespace, n))
      .catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
  }
  const own = ownWrites(client, namespace);
  const stock = stockWrites(server.kc, namespace);
  // Compiled code, open connections: what is measured is the steady state.
  await measure(own, IN_FLIGHT, seconds * 1000);

  console.log(`${server.what}, ${seconds} s a row`);
  console.log(
    ' '.repeat(34) +
      ['writes/s', 'per CPU s', 'connections', 'p50 ms', 'p99 ms'].map((cell) => cell.padStart(12)).join(''),
  );
  const results: Record<string, Measurement> = {};
  for (const [name, write, inFlight] of [
    ['this runtime, in sequence', own, 1],
    [`this runtime, ${IN_FLIGHT} at a time`, own, IN_FLIGHT],
    ['client-node stock, in sequence', stock, 1],
    [`client-node stock, ${IN_FLIGHT} at a time`, stock, IN_FLIGHT],
  ] as const) {
    const result = await measure(write, inFlight, seconds * 1000);
    results[name] = result;
    row(name, result);
  }
  const rates = Object.values(results).map(({ perCpuSecond }) => perCpuSecond);
  const [sequence = 0, together = 0, stockSequence = 1, stockTogether = 1] = rates;
  console.log(
    `ratio to stock for each CPU second: ${(sequence / stockSequence).toFixed(1)}x in sequence, ${(together / stockTogether).toFixed(1)}x at ${IN_FLIGHT} at a time`,
  );

  const heap = await watchMemory(own);
  const [first = 0, last = 0] = [heap.at(0), heap.at(-1)];
  console.log(
    `heap after GC over ${minutes} min: ${heap.map((mib) => mib.toFixed(1)).join(' ')} MiB (${(last - first).toFixed(1)} MiB growth)`,
  );
  // What one core carries is judged by CPU time, so that a busy machine or a slow server does not blur it.
  const ours = Object.values(results).slice(0, 2);
  const sum = (of: (one: Measurement) => number): number => ours.reduce((total, one) => total + of(one), 0);
  const perCore = sum(({ writes }) => writes) / sum(({ cpuSeconds }) => cpuSeconds);
  const reached = perCore >= TARGET_PER_SECOND && last - first < 5;
  console.log(
    `${reached ? 'target reached' : 'TARGET MISSED'}: ${perCore.toFixed(0)} writes per second of one core ` +
      `(at least ${TARGET_PER_SECOND}), heap growth ${(last - first).toFixed(1)} MiB (under 5)`,
  );
  if (!reached) process.exitCode = 1;
} finally {
  await cleanUp(client, namespace);
  await client.close();
  await server.stop();
}
