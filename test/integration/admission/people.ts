import { join } from 'node:path';
import { type Connection, connect, connectionOf, type KubeClient } from '@kriptik/tools/controlplane/cluster/client.ts';
import type { Kubeconfig } from '@kriptik/tools/controlplane/cluster/kubeconfig.ts';
import type { KubeObject } from '@kriptik/tools/controlplane/cluster/resources.ts';
import { afterAll, expect, vi } from 'vitest';
import type { TestCluster } from '../../support/controlplane.ts';
import { type Writer, writer } from '../crds/harness.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RBAC = 'rbac.authorization.k8s.io';

/** How long the API server may take to obey what it was told; waits end as soon as it does. */
export const PATIENCE = { timeout: 30_000, interval: 100 };

/** Rules as RBAC has them. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Everything a status writer needs but the verbs of our own: what an admission policy must stop. */
export const almostEverything: PolicyRule = {
  apiGroups: ['training.kriptik.ai'],
  resources: ['*'],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
};

/** Installs the shipped roles. Roles, not users: tests bind them in their own namespace. */
export async function installRoles(cluster: TestCluster): Promise<void> {
  await cluster.applyManifests([join(ROOT, 'config', 'namespace.yaml'), join(ROOT, 'config', 'rbac')]);
}

/** Whether `user` may do it, by the word of the API server. */
export async function may(
  cluster: TestCluster,
  user: string,
  verb: string,
  resource: string,
  { group = 'training.kriptik.ai', name = '', namespace = cluster.namespace, subresource = '' } = {},
): Promise<boolean> {
  const spec = { user, resourceAttributes: { group, resource, subresource, verb, name, namespace } };
  const review = (await cluster.client.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec },
  })) as { status: { allowed: boolean } };
  return review.status.allowed;
}

/** An object of RBAC. */
export function rbacObject(kind: string, metadata: KubeObject['metadata'], content: object): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind, metadata, ...content };
}

/** What a binding says: who has which role. */
export function binding(user: string, kind: 'Role' | 'ClusterRole', role: string): object {
  return { roleRef: { apiGroup: RBAC, kind, name: role }, subjects: [{ kind: 'User', apiGroup: RBAC, name: user }] };
}

/** Binds `user` to a ClusterRole in the namespace of the test, and waits until it holds. */
export async function bind(cluster: TestCluster, user: string, role: string, probe: readonly [string, string]) {
  const metadata = { name: `${user}-${role}`, namespace: cluster.namespace };
  await cluster.applyManifests([rbacObject('RoleBinding', metadata, binding(user, 'ClusterRole', role))]);
  await vi.waitFor(async () => expect(await may(cluster, user, ...probe)).toBe(true), PATIENCE);
}

/** A Role of the test's namespace with these rules, bound to `user`; the first verb of the first rule then holds. */
export async function grant(cluster: TestCluster, user: string, rules: readonly PolicyRule[]): Promise<void> {
  const metadata = { name: `only-${user}`, namespace: cluster.namespace };
  await cluster.applyManifests([
    rbacObject('Role', metadata, { rules }),
    rbacObject('RoleBinding', metadata, binding(user, 'Role', metadata.name)),
  ]);
  const { verbs, resources, resourceNames } = rules[0] ?? almostEverything;
  const name = resourceNames?.[0] ?? '';
  const holds = () => may(cluster, user, verbs[0] ?? '', resources[0] ?? '', { name });
  await vi.waitFor(async () => expect(await holds()).toBe(true), PATIENCE);
}

/** Writers of people, each made once and closed at the end of the file. Call at its top. */
export function usePeople(
  cluster: () => TestCluster,
): (user: string, how?: { group?: string; dryRun?: boolean }) => Writer {
  const clients = new Map<string, KubeClient>();
  afterAll(() => {
    for (const client of clients.values()) client.close();
  });
  return (user, { group, dryRun = false } = {}) => {
    const key = `${user} ${group ?? ''}`;
    const client = clients.get(key) ?? connect(as(cluster(), user, group));
    clients.set(key, client);
    return writer(client, cluster().namespace, dryRun);
  };
}

/** The administrator's connection in the name of somebody else: works on every cluster, with any name and group. */
function as(cluster: TestCluster, user: string, group?: string): Connection {
  const connection = connectionOf(cluster.kubeconfig as Kubeconfig);
  const headers = { ...connection.headers, 'Impersonate-User': user };
  return { ...connection, headers: group === undefined ? headers : { ...headers, 'Impersonate-Group': group } };
}

/** Path of a file of the repository. */
export function repositoryPath(path: string): string {
  return join(ROOT, path);
}
