import type { Progress } from './binaries/progress.ts';
import type { KubeClient } from './cluster/client.ts';
import type { KubeObject } from './cluster/resources.ts';
import type { CreateUser } from './cluster/users.ts';
import type { Ports } from './embedded/arguments.ts';
import type { Source } from './source.ts';

/** A Kubernetes API server that can be used, however it was come by. */
export interface ControlPlane extends ControlPlaneAccess {
  /** Logs of the programs by name, where they are ours. */
  readonly logs: Readonly<Record<string, string>>;
  /** One JSON text for each write, if `auditLog` was asked for and the API server is ours. */
  readonly auditLogPath: string | undefined;
  /** Enough for another process to use it too, through `attachControlPlane`. Plain JSON. */
  readonly descriptor: ControlPlaneDescriptor;
  /** Plays an outage of the API server, where it is ours. */
  readonly apiServer: ApiServer | undefined;
  /** The node on which pods run, where one was asked for and it is ours. */
  readonly node: ClusterNode | undefined;
  /** Rejects when a program of ours ends although it should not; never resolves. */
  readonly whenFailed: () => Promise<never>;
  /**
   * Ends what was started and removes what was made; of a cluster that was given only our users are removed.
   * With `keepLogs` the logs of a control plane that is not persistent stay for a day.
   */
  readonly stop: (how?: { keepLogs?: boolean }) => Promise<void>;
}

/** An API server of our own that can be away for a while: address, keys and data stay. */
export interface ApiServer {
  /** Ends it at once, as a crash does. */
  readonly stop: () => Promise<void>;
  /** Starts it again and waits until it is ready. */
  readonly start: () => Promise<void>;
}

/** A node of our own: a kubelet and a container runtime in namespaces of theirs. */
export interface ClusterNode {
  readonly name: string;
  /** The node's address; the host reaches it, and the addresses of pods. */
  readonly address: string;
  /** The host's address as pods see it: what listens there, or on every address, can be used by pods. */
  readonly hostAddress: string;
  /** Loads the images of an OCI archive, under the names that are in it; resolves with these. */
  readonly importImage: (archive: string) => Promise<readonly string[]>;
  /** From now on NetworkPolicies hold on the node; before, they are accepted and nothing more. */
  readonly enforceNetworkPolicies: () => Promise<void>;
  /** Ends the kubelet at once, as if the machine were cut off; its containers run on. */
  readonly stopKubelet: () => Promise<void>;
  /** Starts the kubelet again. */
  readonly startKubelet: () => Promise<void>;
}

/** What can be done with a control plane from any process. */
export interface ControlPlaneAccess {
  readonly source: Source;
  /** Administrator's kubeconfig with one context. */
  readonly kubeconfigPath: string;
  readonly kubeconfig: object;
  /** E.g. `https://127.0.0.1:40123`. */
  readonly url: string;
  /** The certificate authority as PEM; undefined where the kubeconfig names none. */
  readonly caData: string | undefined;
  /** Calls with the administrator's rights. */
  readonly client: KubeClient;
  /** The administrator's kubeconfig as text. */
  readonly adminKubeconfig: () => string;
  /** A user whose rules (RBAC) hold when the promise resolves. */
  readonly createUser: CreateUser;
  /** Applies files, folders and objects server-side; definitions of kinds are Established afterwards. */
  readonly applyManifests: (manifests: readonly (string | KubeObject)[]) => Promise<void>;
}

/** What `attachControlPlane` needs. */
export interface ControlPlaneDescriptor {
  readonly source: Source;
  readonly kubeconfigPath: string;
  /** The run directory. */
  readonly directory: string;
  /** Distinguishes what this run makes on a cluster that it shares with others. */
  readonly run: string;
  readonly auditLogPath?: string;
}

/** Options of {@link startControlPlane}; every one may be left out. */
export interface ControlPlaneOptions {
  /** Forces a source; else KRIPTIK_CONTROLPLANE, else the first that is there. */
  readonly source?: Source;
  /** Also starts kube-controller-manager: garbage collection, namespaces, Jobs, service accounts. Default true. */
  readonly controllerManager?: boolean;
  /** Also starts kube-scheduler, for nodes that are made otherwise. Default: that of `node`. */
  readonly scheduler?: boolean;
  /** Also starts a node that runs pods; needs Linux and root, see `nodeUnavailable`. Default false. */
  readonly node?: boolean;
  /** Keeps keys and data here over restarts (and etcd waits for the disk). Else all is temporary. */
  readonly dataDirectory?: string;
  /** Records every write to the API server. */
  readonly auditLog?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Parent of temporary run directories. */
  readonly runRoot?: string;
  /** Milliseconds since the epoch; dates certificates. */
  readonly now?: () => number;
  /** Told what a person may want to know, builds and the chosen cluster among it. Default: standard error. */
  readonly progress?: Progress;
  /** Limit for becoming ready, without builds. Default 60,000. */
  readonly readyTimeoutMs?: number;
  /** Chooses ports; replaced in tests that need one to be taken. */
  readonly choosePorts?: (last: Ports | undefined) => Promise<Ports>;
  /** Ends a build that is under way. */
  readonly signal?: AbortSignal;
}

/** Options with every default filled in. */
export type Resolved = Required<Omit<ControlPlaneOptions, 'dataDirectory' | 'source' | 'choosePorts' | 'signal'>> &
  Pick<ControlPlaneOptions, 'dataDirectory' | 'choosePorts' | 'signal'> & { readonly cache: string };
