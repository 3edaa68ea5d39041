import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlaneDescriptor } from '@kriptik/tools/controlplane/types.ts';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the administrator's kubeconfig. */
    kubeconfig: string;
    controlPlane: ControlPlaneDescriptor;
  }
}

const ROOT = join(import.meta.dirname, '..', '..');
/** What the operator's installation applies; a folder that is not there yet is left out. */
const MANIFESTS = ['crds', 'config', 'config/rbac', 'webhooks'].map((folder) => join(ROOT, folder));

/** Starts one control plane for the run, with the product's definitions and policies installed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const controlPlane = await startControlPlane({ auditLog: true });
  try {
    await controlPlane.applyManifests(MANIFESTS.filter((folder) => existsSync(folder)));
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  project.provide('kubeconfig', controlPlane.kubeconfigPath);
  project.provide('controlPlane', controlPlane.descriptor);
  return async () => {
    const keepLogs = project.vitest.state.getCountOfFailedTests() > 0 && Object.keys(controlPlane.logs).length > 0;
    if (keepLogs) console.error(`Logs of the control plane: ${join(controlPlane.descriptor.directory, 'logs')}`);
    await controlPlane.stop({ keepLogs });
  };
}
