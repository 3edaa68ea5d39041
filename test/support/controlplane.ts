import { randomBytes } from 'node:crypto';
import { attachControlPlane } from '@kriptik/tools/controlplane/access.ts';
import { connect, connectionOf, type KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { User } from '@kriptik/tools/controlplane/cluster/users.ts';
import type { ControlPlaneAccess } from '@kriptik/tools/controlplane/types.ts';
import { afterAll, beforeAll, inject } from 'vitest';

/** The control plane as one test file sees it. */
export interface TestCluster extends ControlPlaneAccess {
  /** Made for this file and deleted after it. */
  readonly namespace: string;
}

/** Path of the administrator's kubeconfig. */
export function kubeconfigPath(): string {
  return inject('kubeconfig');
}

/** Path of the API server's audit log (one JSON text for each write), where the API server is ours. */
export function auditLogPath(): string | undefined {
  return inject('controlPlane').auditLogPath;
}

/**
 * Call at the top of a test file: makes a namespace for it before its tests and deletes it after them. The
 * returned function gives the cluster inside tests and hooks.
 */
export function useCluster(prefix = 'test'): () => TestCluster {
  let cluster: TestCluster | undefined;
  beforeAll(async () => {
    const access = await attachControlPlane(inject('controlPlane'));
    const namespace = await makeNamespace(access.client, prefix);
    cluster = { ...access, namespace };
  });
  afterAll(async () => {
    if (!cluster) return;
    await cluster.client.send('DELETE', `/api/v1/namespaces/${cluster.namespace}`);
    cluster.client.close();
  });
  return () => {
    if (!cluster) throw new Error('The cluster is there only inside tests and hooks.');
    return cluster;
  };
}

/** A namespace with a new name. */
export async function makeNamespace(client: KubeClient, prefix = 'test'): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await client.call('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  });
  return name;
}

/** Calls with the rights of the user; close it after use. */
export function clientOf(user: User): KubeClient {
  return connect(connectionOf(user.kubeconfig));
}
