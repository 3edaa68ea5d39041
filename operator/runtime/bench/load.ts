import { CoreV1Api, type KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { collectionPath } from '../resource.ts';
import type { KubeClient } from '../rest.ts';
import { countConnections } from '../testing/connections.ts';
import type { KubeObject, ResourceType } from '../types.ts';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export const CONFIG_MAPS: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** Makes one small write; `n` differs from call to call, so that each really changes something. */
export type Write = (n: number) => Promise<unknown>;

/** How many objects the writes go round. */
export const OBJECTS = 50;

const nameOf = (n: number): string => `bench-${n % OBJECTS}`;

export const configMap = (namespace: string, n: number): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: nameOf(n) },
  data: { step: '0' },
});

/** A merge patch of one field through this runtime's client. */
export function ownWrites(client: KubeClient, namespace: string): Write {
  const configMaps = client.resource(CONFIG_MAPS);
  return (n) => configMaps.patch({ namespace, name: nameOf(n) }, { data: { step: String(n) } });
}

/** The same merge patch through @kubernetes/client-node as it comes. */
export function stockWrites(kc: KubeConfig, namespace: string): Write {
  const api = kc.makeApiClient(CoreV1Api);
  const header = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  return (n) =>
    api.patchNamespacedConfigMap({ namespace, name: nameOf(n), body: { data: { step: String(n) } } }, header);
}

/** Removes what the benchmark made. */
export async function cleanUp(client: KubeClient, namespace: string): Promise<void> {
  for (let n = 0; n < OBJECTS; n++) {
    await client.raw('DELETE', `${collectionPath(CONFIG_MAPS, namespace)}/${nameOf(n)}`).catch(() => {});
  }
}

export interface Measurement {
  readonly writes: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Time this process spent on the CPU, seconds. */
  readonly cpuSeconds: number;
  /** Writes per second of this process's CPU time: what one core could carry with a server that keeps up. */
  readonly perCpuSecond: number;
  readonly connections: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Writes with `inFlight` calls at a time until the time is over. */
export async function measure(write: Write, inFlight: number, ms: number): Promise<Measurement> {
  const connections = countConnections();
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  let next = 1 + Math.floor(Math.random() * 1e9);
  const worker = async (): Promise<void> => {
    while (performance.now() - from < ms) {
      const started = performance.now();
      await write(next++);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  connections.stop();
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(part * (latencies.length - 1))] ?? 0;
  const cpuSeconds = (user + system) / 1e6;
  return {
    writes: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    cpuSeconds,
    perCpuSecond: latencies.length / cpuSeconds,
    connections: connections.opened,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
