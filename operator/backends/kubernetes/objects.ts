import type { KubeObject, ResourceType } from '../../runtime/types.ts';

// The parts of Kubernetes' own kinds that are written or read here, as they travel on the wire.

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Job extends KubeObject {
  spec: {
    readonly completions?: number;
    readonly suspend?: boolean;
    readonly activeDeadlineSeconds?: number;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly startTime?: string;
    readonly active?: number;
    readonly failed?: number;
    readonly succeeded?: number;
    readonly terminating?: number;
  };
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly signal?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly state?: ContainerState;
  readonly restartCount?: number;
}

export interface Pod extends KubeObject {
  spec: {
    readonly nodeName?: string;
    readonly hostname?: string;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Service extends KubeObject {
  readonly spec: object;
}

export interface NetworkPolicy extends KubeObject {
  readonly spec: object;
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

export interface CoreEvent extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly type?: string;
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

const core = <T extends KubeObject>(plural: string, kind: string, namespaced = true): ResourceType<T> => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
});

export const JOBS: ResourceType<Job> = { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job', namespaced: true };
export const PODS = core<Pod>('pods', 'Pod');
export const SECRETS = core<Secret>('secrets', 'Secret');
export const CONFIG_MAPS = core<ConfigMap>('configmaps', 'ConfigMap');
export const SERVICES = core<Service>('services', 'Service');
export const NODES = core<Node>('nodes', 'Node', false);
export const CORE_EVENTS = core<CoreEvent>('events', 'Event');
export const NETWORK_POLICIES: ResourceType<NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
};

/** Epoch ms of a time on the wire; undefined where there is none. */
export const epochOf = (time: string | null | undefined): number | undefined => {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : at;
};

/** The condition of this type, whatever its status. */
export const conditionOf = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((one) => one.type === type);

/** Whether the condition of this type is True. */
export const holds = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True';
