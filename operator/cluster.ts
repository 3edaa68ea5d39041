import {
  ComputeProviderResource,
  GROUP,
  TrainingGoalResource,
  TrainingJobResource,
  TrainingPlanResource,
  TrainingPolicyResource,
  TrainingReceiptResource,
  VERSION,
} from '@kriptik/crds';
import { isNotFound } from './runtime/errors.ts';
import type { KubeClient } from './runtime/rest.ts';
import type { KubeObject } from './runtime/types.ts';

const KINDS = [
  TrainingGoalResource,
  TrainingPlanResource,
  TrainingJobResource,
  TrainingPolicyResource,
  TrainingReceiptResource,
  ComputeProviderResource,
];

/** The cluster lacks what the operator needs; the message says what to do. */
export class ClusterNotReady extends Error {}

/** Throws ClusterNotReady unless every kind of this release is served. */
export async function requireKinds(client: KubeClient): Promise<void> {
  const served = await client
    .raw<{ resources: { name: string }[] }>('GET', `/apis/${GROUP}/${VERSION}`)
    .catch((error: unknown) => {
      if (isNotFound(error)) return { resources: [] };
      throw error;
    });
  const names = new Set(served.resources.map((resource) => resource.name));
  const missing = KINDS.filter((kind) => !names.has(kind.plural)).map((kind) => `${kind.plural}.${GROUP}`);
  if (missing.length === 0) return;
  throw new ClusterNotReady(
    `${client.server} does not serve ${missing.join(', ')} in ${VERSION}. Install this release's definitions: kubectl apply -f "crds/*.yaml"`,
  );
}

/** Identifies a cluster for good: the uid of kube-system. */
export async function clusterId(client: KubeClient): Promise<string> {
  const namespace = await client.raw<KubeObject>('GET', '/api/v1/namespaces/kube-system');
  return namespace.metadata.uid ?? 'unknown';
}

/** The user name the API server knows this process by. */
export async function whoAmI(client: KubeClient): Promise<string> {
  const review = await client.raw<{ status?: { userInfo?: { username?: string } } }>(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } },
  );
  return review.status?.userInfo?.username ?? 'unknown';
}
