import { attachControlPlane } from '@kriptik/tools/controlplane/access.ts';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { inject } from 'vitest';

/**
 * The control plane that all fault tests of a run share, each lane of them with namespaces and names of its own. `stop`
 * only lets go of it.
 */
export async function sharedCluster(): Promise<ControlPlane> {
  const descriptor = inject('controlPlane');
  const access = await attachControlPlane(descriptor);
  return {
    ...access,
    logs: {},
    auditLogPath: descriptor.auditLogPath,
    descriptor,
    apiServer: undefined,
    node: undefined,
    whenFailed: () => new Promise<never>(() => {}),
    stop: async () => access.client.close(),
  };
}
