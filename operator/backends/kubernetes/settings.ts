import type { ComputeProviderSpec } from '@kriptik/crds';
import type { Shape } from '../backend.ts';

/** How the nodes of one provider are used. */
export type KubernetesSettings = {
  /** Name of the ComputeProvider. */
  provider: string;
  /** Namespace of the pods; absent: that of the job. */
  namespace?: string;
  /** `spec.kubernetes` of the provider. */
  spec: NonNullable<ComputeProviderSpec['kubernetes']>;
  /** Label values that name a GPU type of the catalog on this cluster's nodes; none for an unknown type. */
  productsOf: (gpu: string) => readonly string[];
  /** GPU types that have a price, as the catalog names them, and 'cpu'. */
  offered: readonly string[];
  /** Attempts allowed at a time; absent: as many as find nodes. */
  maxInstances?: number;
  /** Checkpoint store: its URI without the job, and the service's address where it is not AWS. */
  store: { uri: string; keepLast?: number };
  /** Read the Secrets that the provider names; each rejects with BackendError where one is missing or lacks a key. */
  credentials?: readonly (() => Promise<unknown>)[];
  /** Namespace of the operator, which alone may reach the control port. */
  operatorNamespace: string;
  /** How the operator reaches the control port: the pod's address, or the API server's proxy. */
  podAccess: 'ip' | 'proxy';
};

/** What holds where the provider does not say. */
export const DEFAULTS = {
  gpuResource: 'nvidia.com/gpu',
  gpuLabel: 'nvidia.com/gpu.product',
  scratch: '50Gi',
  sharedMemory: '2Gi',
  graceSeconds: 30,
} as const;

/** One machine with a processor: what is run where the request has no shape. */
export const NO_SHAPE: Shape = { gpu: 'cpu', gpuCount: 0, nodes: 1 };

/** GPUs that each pod of the attempt asks for. */
export const gpusPerPod = ({ gpuCount, nodes }: Shape): number => Math.ceil(gpuCount / nodes);

/** Name of the PersistentVolumeClaim behind a pvc:// store; undefined for any other. */
export const claimOf = (uri: string): string | undefined => /^pvc:\/\/([^/]+)/.exec(uri)?.[1];
