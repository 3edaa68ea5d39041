import { join } from 'node:path';
import { startControlPlane } from '@kriptik/tools/controlplane/controlplane.ts';
import type { ControlPlaneDescriptor } from '@kriptik/tools/controlplane/types.ts';
import type { TestProject } from 'vitest/node';
import { INSTALLED } from './installed.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the administrator's kubeconfig. */
    kubeconfig: string;
    controlPlane: ControlPlaneDescriptor;
  }
}

/** Starts one control plane for the run, with the product's definitions and policies installed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const controlPlane = await startControlPlane({ auditLog: true });
  try {
    await controlPlane.applyManifests(INSTALLED);
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
