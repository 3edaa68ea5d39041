import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import { waitFor } from '../support/wait.ts';

const CAPACITY = '2Gi';

/** A PersistentVolumeClaim of the node's own disk. */
export interface Claim {
  readonly name: string;
  /** Reads a file of the claim, named by its pvc:// URI, from this machine. */
  read(uri: string): Promise<Buffer>;
  /** Removes what lies on it; claim and volume go with the control plane. */
  remove(): Promise<void>;
}

/**
 * Makes a claim and binds it to a folder of the node, as an administrator does where nothing provisions volumes. It can
 * be mounted on that node only (ReadWriteOnce). Resolves once it is bound.
 */
export async function makeClaim(
  cluster: ControlPlane,
  { name, namespace, nodeName }: { name: string; namespace: string; nodeName: string },
): Promise<Claim> {
  // Not below /tmp, which pods have one of their own of.
  const folder = await mkdtemp('/var/tmp/kriptik-claim-');
  const common = { storageClassName: '', accessModes: ['ReadWriteOnce'] };
  const here = { key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] };
  const manifests = [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        ...common,
        capacity: { storage: CAPACITY },
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace, name },
        local: { path: folder },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { ...common, volumeName: name, resources: { requests: { storage: CAPACITY } } },
    },
  ];
  await cluster.applyManifests(manifests);
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
  await waitFor(`claim ${name} to be bound`, async () => {
    const { status } = (await cluster.client.call('GET', path)) as { status: { phase?: string } };
    return status.phase === 'Bound' ? true : undefined;
  });
  return {
    name,
    read: async (uri) => await readFile(join(folder, new URL(uri).pathname)),
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}
