import { isApiError } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { KubeObject } from '../../runtime/types.ts';
import { type Condition, conditionOf, type Job } from './objects.ts';

const GROUP = '/apis/kueue.x-k8s.io';

/** Kueue's label on a Workload: uid of the Job it stands for. */
const JOB_UID_LABEL = 'kueue.x-k8s.io/job-uid';

/** What Kueue knows of a Job: whether it has room for it, and why not. */
export interface Workload extends KubeObject {
  readonly spec?: { readonly active?: boolean };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Path of Kueue's kinds, in the version that the cluster prefers; undefined where Kueue is not installed. */
export const kueuePath = async (kube: KubeClient): Promise<string | undefined> => {
  try {
    const { preferredVersion } = await kube.raw<{ preferredVersion: { version: string } }>('GET', GROUP);
    return `${GROUP}/${preferredVersion.version}`;
  } catch (error) {
    if (isApiError(error) && error.status === 404) return undefined;
    throw error;
  }
};

/**
 * What Kueue says of a Job that it manages. Undefined where it says nothing, may not be asked or cannot answer: an
 * attempt can be told without, and has to be.
 */
export const workloadOf = async (kube: KubeClient, { metadata }: Job): Promise<Workload | undefined> => {
  const selector = encodeURIComponent(`${JOB_UID_LABEL}=${metadata.uid ?? ''}`);
  try {
    const path = await kueuePath(kube);
    if (path === undefined) return undefined;
    const where = `${path}/namespaces/${metadata.namespace ?? ''}/workloads`;
    return (await kube.raw<{ items: Workload[] }>('GET', `${where}?labelSelector=${selector}`)).items[0];
  } catch (error) {
    if (isApiError(error)) return undefined;
    throw error;
  }
};

/** Kueue's words on why it has no room for it; undefined while it has not looked. */
export const heldBack = ({ status }: Workload): Condition | undefined => {
  const reserved = conditionOf(status?.conditions, 'QuotaReserved');
  return reserved?.status === 'False' ? reserved : undefined;
};

/** Kueue's words on why it took the room back. */
export const evicted = ({ status }: Workload): Condition | undefined => {
  const found = conditionOf(status?.conditions, 'Evicted');
  return found?.status === 'True' ? found : undefined;
};
