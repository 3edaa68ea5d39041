import { KubeClient, type KubeClientOptions } from '../rest.ts';
import type { KubeObject, ResourceType } from '../types.ts';
import { FakeApiServer } from './fake-apiserver.ts';

export interface Widget extends KubeObject {
  spec: { size: number };
  status?: { ready?: boolean; note?: string; parts?: string[] };
}

export const WIDGETS: ResourceType<Widget> = {
  group: 'testing.example',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

export const WIDGET_COLLECTION = 'testing.example/v1/widgets';

export function widget(name: string, size = 1, namespace = 'default'): Widget {
  return { apiVersion: 'testing.example/v1', kind: 'Widget', metadata: { name, namespace }, spec: { size } };
}

export interface Rig {
  readonly server: FakeApiServer;
  readonly client: KubeClient;
  close(): Promise<void>;
}

/** A fake API server and a client of it, on the same clock. */
export async function startRig(options: Partial<KubeClientOptions> = {}): Promise<Rig> {
  const server = await FakeApiServer.start({ clock: options.clock });
  const client = KubeClient.fromKubeConfig(server.kubeConfig(), {
    userAgent: 'rig/1',
    qps: Number.POSITIVE_INFINITY,
    ...options,
  });
  return {
    server,
    client,
    close: async () => {
      await client.close();
      await server.stop();
    },
  };
}

/** Waits until `condition` holds; rejects after `limitMs` with what was waited for. */
export async function eventually(condition: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
