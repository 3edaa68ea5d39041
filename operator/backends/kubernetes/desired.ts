import type { OwnerReference, Unstored } from '../../runtime/types.ts';
import type { S3Access } from '../../store/location.ts';
import type { LaunchRequest } from '../backend.ts';
import { podTemplate } from './desired-pod.ts';
import { ANNOTATION, CONTAINER, CONTROL_PORT, labelsOf, PATHS, QUEUE_LABEL, SECRET_KEY } from './names.ts';
import type { Job, Secret, Service } from './objects.ts';
import { claimOf, DEFAULTS, type KubernetesSettings, NO_SHAPE } from './settings.ts';

/** Name, place, labels and owner that all objects of an attempt share. */
export const metadataOf = (request: LaunchRequest, settings: KubernetesSettings): Unstored<Job>['metadata'] => {
  const { name, job } = request;
  const namespace = settings.namespace ?? job.namespace;
  // Garbage collection as a further net; it does not reach into other namespaces.
  const owner: OwnerReference[] =
    namespace === job.namespace
      ? [{ apiVersion: 'training.kriptik.ai/v1alpha1', kind: 'TrainingJob', name: job.name, uid: job.uid }]
      : [];
  return {
    name,
    namespace,
    labels: labelsOf(name, job, settings.provider),
    annotations: { [ANNOTATION.job]: `${job.namespace}/${job.name}` },
    ...(owner.length > 0 && { ownerReferences: owner }),
  };
};

/** The Job: the commitment. It is made last, once everything its pods need is there. */
export const jobOf = (
  request: LaunchRequest,
  settings: KubernetesSettings,
  image: string,
  now: number,
): Unstored<Job> => {
  const common = metadataOf(request, settings);
  const annotations = { ...common.annotations, [ANNOTATION.launched]: new Date(now).toISOString() };
  const metadata = { ...common, annotations };
  const { queueName } = settings.spec;
  const shape = request.shape ?? NO_SHAPE;
  const labels = metadata.labels ?? {};
  const seconds = activeDeadlineSeconds(request.hardDeadline, now, graceSecondsOf(settings));
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: queueName === undefined ? metadata : { ...metadata, labels: { ...labels, [QUEUE_LABEL]: queueName } },
    spec: {
      completionMode: 'Indexed',
      completions: shape.nodes,
      parallelism: shape.nodes,
      backoffLimit: 0,
      // Never two pods of an index: the next one would begin only after the last one has really ended.
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { containerName: CONTAINER, operator: 'NotIn', values: [0] } },
        ],
      },
      // A queue starts it; from here on the field is the queue's alone.
      ...(queueName !== undefined && { suspend: true }),
      ...(seconds !== undefined && { activeDeadlineSeconds: seconds }),
      template: podTemplate(
        { name: request.name, labels, shape, image, secretKeys: Object.keys(secretData(request, settings)) },
        settings,
      ),
    },
  };
};

/** The Secret of an attempt, mounted as files: what to train, the control token, the keys of the store and the Hub. */
export const secretOf = (request: LaunchRequest, settings: KubernetesSettings): Unstored<Secret> => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: metadataOf(request, settings),
  data: Object.fromEntries(
    Object.entries(secretData(request, settings)).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  ),
});

/** Gives pods names by which they find each other, before they are ready. */
export const serviceOf = (request: LaunchRequest, settings: KubernetesSettings): Unstored<Service> => {
  const metadata = metadataOf(request, settings);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: metadata.labels,
      ports: [{ name: 'control', port: CONTROL_PORT, protocol: 'TCP' }],
    },
  };
};

const secretData = (request: LaunchRequest, settings: KubernetesSettings): Record<string, string> => {
  const keys = request.store?.credentials;
  return {
    [SECRET_KEY.spec]: JSON.stringify(specFileOf(request, settings)),
    [SECRET_KEY.token]: request.token,
    ...(request.hubToken !== undefined && { [SECRET_KEY.hubToken]: request.hubToken }),
    ...(keys !== undefined && {
      [SECRET_KEY.accessKeyId]: keys.accessKeyId,
      [SECRET_KEY.secretAccessKey]: keys.secretAccessKey,
      ...(keys.sessionToken !== undefined && { [SECRET_KEY.sessionToken]: keys.sessionToken }),
    }),
  };
};

/** spec.json as the trainer of a pod reads it: the places of its files are those of the pod. */
const specFileOf = ({ spec, store }: LaunchRequest, settings: KubernetesSettings): object => ({
  ...spec,
  store: {
    ...spec.store,
    ...(store !== undefined && { s3: s3Of(store) }),
    ...(claimOf(spec.store.uri) !== undefined && { mount: PATHS.claim }),
    ...(settings.store.keepLast !== undefined && { keepLast: settings.store.keepLast }),
    scratch: PATHS.scratch,
  },
  control: { host: '0.0.0.0', port: CONTROL_PORT, tokenFile: PATHS.token, portFile: PATHS.port },
});

const s3Of = ({ endpoint, region, pathStyle, credentials }: S3Access): object => ({
  ...(endpoint !== undefined && { endpoint }),
  region,
  pathStyle,
  ...(credentials !== undefined && { credentialsDir: PATHS.credentials }),
});

/** Seconds between SIGTERM and SIGKILL of every pod. */
export const graceSecondsOf = ({ spec }: KubernetesSettings): number =>
  spec.terminationGracePeriodSeconds ?? DEFAULTS.graceSeconds;

/**
 * Seconds after its start at which the cluster ends the Job, so that with the pods' grace nothing runs at
 * `hardDeadline` (epoch ms). `from` is its start in epoch ms, or now where it has not started: waiting in a queue
 * costs nothing. At least 1, the least that the API takes.
 */
export const activeDeadlineSeconds = (
  hardDeadline: number | undefined,
  from: number,
  graceSeconds: number,
): number | undefined =>
  hardDeadline === undefined ? undefined : Math.max(1, Math.floor((hardDeadline - from) / 1000) - graceSeconds);
