import type { Shape } from '../backend.ts';
import { CONTAINER, CONTROL_PORT, MASTER_PORT, PATHS, SECRET_KEY, USER } from './names.ts';
import { claimOf, DEFAULTS, gpusPerPod, type KubernetesSettings } from './settings.ts';

/** What one pod template is built from besides the provider's settings. */
export type PodInput = {
  name: string;
  labels: Record<string, string>;
  shape: Shape;
  image: string;
  /** Keys that the attempt's Secret holds; absent: it has none, and the claim of the store is only read. */
  secretKeys?: readonly string[];
  /** Absent: the trainer with the attempt's spec. */
  command?: readonly string[];
};

/**
 * The pod of an attempt, one for each machine of the plan. It fits Pod Security "restricted" unless the provider
 * mounts folders of the node.
 */
export const podTemplate = (input: PodInput, settings: KubernetesSettings): object => {
  const { spec } = settings;
  const several = input.shape.nodes > 1;
  return {
    metadata: { labels: input.labels },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULTS.graceSeconds,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // With the Service of the same name it makes the names by which pods find each other.
      ...(several && { subdomain: input.name }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(spec.runtimeClassName !== undefined && { runtimeClassName: spec.runtimeClassName }),
      ...(spec.priorityClassName !== undefined && { priorityClassName: spec.priorityClassName }),
      ...(spec.imagePullSecrets !== undefined && {
        imagePullSecrets: spec.imagePullSecrets.map((name) => ({ name })),
      }),
      ...(spec.nodeSelector !== undefined && { nodeSelector: spec.nodeSelector }),
      ...(spec.tolerations !== undefined && { tolerations: spec.tolerations }),
      ...affinityOf(input.shape, settings),
      containers: [container(input, settings)],
      volumes: volumes(input, settings),
    },
  };
};

const container = (input: PodInput, settings: KubernetesSettings): object => ({
  name: CONTAINER,
  image: input.image,
  imagePullPolicy: settings.spec.imagePullPolicy ?? 'IfNotPresent',
  command: input.command ?? ['python', '-m', 'kriptik_trainer', 'run', '--spec', PATHS.spec],
  workingDir: PATHS.scratch,
  env: environment(input, settings),
  ports: [{ name: 'control', containerPort: CONTROL_PORT, protocol: 'TCP' }],
  resources: input.secretKeys === undefined ? READER : resources(input.shape, settings),
  // Without a word of the trainer the end of its log tells what happened.
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: mounts(input, settings),
});

/** Variables of the trainer; those of the provider come last and win. */
const environment = (
  { name, shape, secretKeys = [] }: PodInput,
  { spec }: KubernetesSettings,
): { name: string; value: string }[] => {
  const variables: Record<string, string> = {
    // The root is read-only: what libraries keep goes to the scratch disk.
    HOME: PATHS.scratch,
    TMPDIR: PATHS.tmp,
    HF_HOME: `${PATHS.scratch}/huggingface`,
    XDG_CACHE_HOME: `${PATHS.scratch}/cache`,
    // Where the token is, and never the token itself: whoever may read pods reads their variables.
    ...(secretKeys.includes(SECRET_KEY.hubToken) && { HF_TOKEN_PATH: PATHS.hubToken }),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    KRIPTIK_NODES: String(shape.nodes),
    KRIPTIK_PROCESSES: String(Math.max(1, gpusPerPod(shape))),
    ...(shape.nodes > 1 && { KRIPTIK_MASTER: `${name}-0.${name}`, KRIPTIK_MASTER_PORT: String(MASTER_PORT) }),
  };
  for (const variable of spec.env ?? []) variables[variable.name] = variable.value;
  return Object.entries(variables).map(([key, value]) => ({ name: key, value }));
};

/** What only reads the store back: it must find room on the node that has the claim, beside a trainer that fills it. */
const READER = { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '256Mi' } };

/** Requests equal limits: what was priced is what is there, and nothing is taken from neighbours. */
const resources = (shape: Shape, { spec }: KubernetesSettings): object => {
  const asked: Record<string, string> = {
    ...(spec.resources?.cpu !== undefined && { cpu: spec.resources.cpu }),
    ...(spec.resources?.memory !== undefined && { memory: spec.resources.memory }),
    ...(gpusPerPod(shape) > 0 && { [spec.gpuResource ?? DEFAULTS.gpuResource]: String(gpusPerPod(shape)) }),
  };
  return { requests: asked, limits: asked };
};

/** Only nodes whose label names the GPU that was approved. */
const affinityOf = (shape: Shape, settings: KubernetesSettings): object => {
  if (gpusPerPod(shape) === 0) return {};
  const expression = {
    key: settings.spec.gpuLabel ?? DEFAULTS.gpuLabel,
    operator: 'In',
    values: settings.productsOf(shape.gpu),
  };
  const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
};

const mounts = ({ secretKeys }: PodInput, { spec, store }: KubernetesSettings): object[] => [
  ...(secretKeys === undefined ? [] : [{ name: 'attempt', mountPath: PATHS.secret, readOnly: true }]),
  { name: 'scratch', mountPath: PATHS.scratch },
  { name: 'tmp', mountPath: PATHS.tmp },
  { name: 'shared-memory', mountPath: PATHS.sharedMemory },
  ...(claimOf(store.uri) === undefined
    ? []
    : [{ name: 'store', mountPath: PATHS.claim, readOnly: secretKeys === undefined }]),
  ...(spec.volumes ?? []).map(({ name, mountPath, readOnly = true }) => ({
    name: `user-${name}`,
    mountPath,
    readOnly,
  })),
];

const volumes = ({ name, secretKeys }: PodInput, { spec, store }: KubernetesSettings): object[] => {
  const claim = claimOf(store.uri);
  return [
    ...(secretKeys === undefined
      ? []
      : [{ name: 'attempt', secret: { secretName: name, defaultMode: 0o440, items: secretKeys.map(fileOf) } }]),
    { name: 'scratch', emptyDir: { sizeLimit: spec.resources?.scratch ?? DEFAULTS.scratch } },
    { name: 'tmp', emptyDir: {} },
    {
      name: 'shared-memory',
      emptyDir: { medium: 'Memory', sizeLimit: spec.resources?.sharedMemory ?? DEFAULTS.sharedMemory },
    },
    ...(claim === undefined ? [] : [{ name: 'store', persistentVolumeClaim: { claimName: claim } }]),
    ...(spec.volumes ?? []).map((volume) => ({
      name: `user-${volume.name}`,
      ...(volume.claimName === undefined
        ? { hostPath: { path: volume.hostPath, type: 'Directory' } }
        : { persistentVolumeClaim: { claimName: volume.claimName, readOnly: volume.readOnly ?? true } }),
    })),
  ];
};

/** Keys of S3 and of the Hub lie in folders of their own, as the trainer's spec and its environment name them. */
const fileOf = (key: string): { key: string; path: string } => {
  const plain = key === SECRET_KEY.spec || key === SECRET_KEY.token;
  return { key, path: plain ? key : key.replace('.', '/') };
};
