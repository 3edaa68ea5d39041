import { basename } from 'node:path';
import { givenAccess, RUN_LABEL, usersNamespace } from './access.ts';
import { connect, type KubeClient } from './cluster/client.ts';
import { openKubeconfig } from './existing.ts';
import { closeKind, openKind } from './kind.ts';
import { createRunDirectory, type RunDirectory } from './processes/rundir.ts';
import type { ControlPlane, ControlPlaneDescriptor, Resolved } from './types.ts';

/** Uses the cluster of KUBECONFIG or of kind. Says which on `progress`, since its objects will be changed. */
export async function openGiven(source: 'kubeconfig' | 'kind', options: Resolved): Promise<ControlPlane> {
  const directory = await createRunDirectory(options.runRoot, options.now());
  try {
    const kind = source === 'kind' ? await openKind(directory.path) : undefined;
    const existing = await openKubeconfig(kind?.kubeconfigPath ?? options.env['KUBECONFIG'] ?? '', directory.path);
    options.progress.note(`using the cluster of context ${existing.context}: ${existing.connection.server}`);
    await checkReachable(connect(existing.connection), existing.connection.server);
    const descriptor: ControlPlaneDescriptor = {
      source,
      kubeconfigPath: existing.kubeconfigPath,
      directory: directory.path,
      run: basename(directory.path),
    };
    const access = givenAccess(descriptor, existing);
    return {
      ...access,
      descriptor,
      auditLogPath: undefined,
      logs: {},
      apiServer: undefined,
      node: undefined,
      // Its programs are not ours to watch.
      whenFailed: () => new Promise<never>(() => {}),
      stop: async () => {
        try {
          await removeUsers(access.client, descriptor);
          if (kind) await closeKind(kind);
        } finally {
          access.client.close();
          directory.release();
        }
      },
    };
  } catch (error) {
    releaseQuietly(directory);
    throw error;
  }
}

async function checkReachable(client: KubeClient, server: string): Promise<void> {
  try {
    await client.call('GET', '/version', { timeoutMs: 10_000 });
  } catch (error) {
    throw new Error(
      `The cluster of KUBECONFIG, ${server}, does not answer: ${error instanceof Error ? error.message : String(error)}. Start it, choose another context, or unset KUBECONFIG for a control plane of our own.`,
      { cause: error },
    );
  } finally {
    client.close();
  }
}

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Removes service accounts, roles and bindings that the run made. */
async function removeUsers(client: KubeClient, descriptor: ControlPlaneDescriptor): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  for (const kind of ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles']) {
    const selector = encodeURIComponent(`${RUN_LABEL}=${descriptor.run}`);
    const list = (await client.call('GET', `${rbac}/${kind}?labelSelector=${selector}`)) as { items: Named[] };
    for (const { metadata } of list.items) {
      const scope = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
      await client.send('DELETE', `${rbac}${scope}/${kind}/${encodeURIComponent(metadata.name)}`);
    }
  }
  await client.send('DELETE', `/api/v1/namespaces/${usersNamespace(descriptor)}`);
}

function releaseQuietly(directory: RunDirectory): void {
  try {
    directory.release();
  } catch {
    // The error that led here tells more.
  }
}
