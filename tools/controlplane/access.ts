import { existsSync, readFileSync } from 'node:fs';
import { connect, connectionOf, type KubeClient } from './cluster/client.ts';
import type { Kubeconfig } from './cluster/kubeconfig.ts';
import { readManifests } from './cluster/manifests.ts';
import { applyObjects } from './cluster/resources.ts';
import { type CreateUser, certificateUsers, serviceAccountUsers, type UserContext } from './cluster/users.ts';
import { readAuthority } from './embedded/keys.ts';
import { type Existing, openKubeconfig } from './existing.ts';
import type { CertificateAuthority } from './pki.ts';
import type { ControlPlaneAccess, ControlPlaneDescriptor } from './types.ts';

/** Marks everything made for users; the value is the run. */
export const RUN_LABEL = 'kriptik.ai/controlplane-run';

/** Access to a control plane that another process started, from its descriptor. Close its `client` at the end. */
export async function attachControlPlane(
  descriptor: ControlPlaneDescriptor,
  now: () => number = Date.now,
): Promise<ControlPlaneAccess> {
  if (descriptor.source !== 'embedded') {
    return givenAccess(descriptor, await openKubeconfig(descriptor.kubeconfigPath, descriptor.directory));
  }
  if (!existsSync(descriptor.kubeconfigPath)) {
    throw new Error(`The control plane in ${descriptor.directory} has ended; start it again.`);
  }
  const kubeconfig = JSON.parse(readFileSync(descriptor.kubeconfigPath, 'utf8')) as Kubeconfig;
  const authority = await readAuthority(descriptor.directory, now);
  return ownAccess(descriptor, kubeconfig, connect(connectionOf(kubeconfig)), authority);
}

/** Access to a control plane of our own: its users have client certificates. */
export function ownAccess(
  descriptor: ControlPlaneDescriptor,
  kubeconfig: Kubeconfig,
  client: KubeClient,
  authority: CertificateAuthority,
): ControlPlaneAccess {
  const context = {
    client,
    server: kubeconfig.clusters[0].cluster.server,
    ca: authority.cert,
    labels: labels(descriptor),
  };
  return access(descriptor, kubeconfig, context, certificateUsers(context, authority));
}

/** Access to a cluster that was given: its users are service accounts. */
export function givenAccess(descriptor: ControlPlaneDescriptor, existing: Existing): ControlPlaneAccess {
  const { connection, kubeconfig } = existing;
  const context = {
    client: connect(connection),
    server: connection.server,
    ca: connection.ca?.toString(),
    labels: labels(descriptor),
  };
  return access(descriptor, kubeconfig, context, serviceAccountUsers(context, usersNamespace(descriptor)));
}

/** Where the service accounts of a run live. */
export function usersNamespace({ run }: ControlPlaneDescriptor): string {
  return `kriptik-users-${run}`;
}

function access(
  { source, kubeconfigPath }: ControlPlaneDescriptor,
  kubeconfig: object,
  { client, server, ca }: UserContext,
  createUser: CreateUser,
): ControlPlaneAccess {
  return {
    source,
    kubeconfigPath,
    kubeconfig,
    url: server,
    caData: ca,
    client,
    adminKubeconfig: () => readFileSync(kubeconfigPath, 'utf8'),
    createUser,
    applyManifests: (manifests) =>
      applyObjects(
        client,
        manifests.flatMap((manifest) => (typeof manifest === 'string' ? readManifests(manifest) : [manifest])),
      ),
  };
}

function labels({ run }: ControlPlaneDescriptor): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': 'kriptik-controlplane', [RUN_LABEL]: run };
}
