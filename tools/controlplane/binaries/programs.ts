/** A program of a cluster or of its surroundings, and how it is built from the Go module proxy. */
export interface Program {
  readonly name: ProgramName;
  /** Folder beside this file that holds the go.mod and go.sum which pin the build. */
  readonly family:
    | 'etcd'
    | 'kubernetes'
    | 'containerd'
    | 'runc'
    | 'cni'
    | 'coredns'
    | 'pause'
    | 'versitygw'
    | 'kwok'
    | 'kueue'
    | 'kube-router';
  /** Version of the module, as it appears in go.mod; of a program of ours, its own: change it with the source. */
  readonly version: string;
  /** Import path of the main package; `.` where it is the recipe's own folder. */
  readonly package: string;
  /** `name=value` pairs for the linker's `-X`: without them clients see version v0.0.0. */
  readonly stamps: readonly string[];
  /** Needs a C compiler and libseccomp's headers. */
  readonly seccomp?: true;
  /** A folder of the module that is kept beside the program, such as the manifests that install it. */
  readonly beside?: { readonly module: string; readonly folder: string };
  /** Minutes of a cold build on two cores, measured; shown as an expectation only. */
  readonly expectedMinutes: number;
}

export type ProgramName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kubectl'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'runc'
  | 'bridge'
  | 'loopback'
  | 'host-local'
  | 'coredns'
  | 'pause'
  | 'versitygw'
  | 'kwok'
  | 'kueue'
  | 'network-policies';

const ETCD_VERSION = 'v3.7.3';
const KUBERNETES_VERSION = 'v1.37.2';

/** Every program that can be built here. A new one needs an import in its family's folder. */
export const PROGRAMS: Readonly<Record<ProgramName, Program>> = {
  etcd: {
    name: 'etcd',
    family: 'etcd',
    version: ETCD_VERSION,
    package: 'go.etcd.io/etcd/server/v3',
    stamps: [],
    expectedMinutes: 0.6,
  },
  'kube-apiserver': kubernetes('kube-apiserver', 5.5),
  'kube-controller-manager': kubernetes('kube-controller-manager', 2.2),
  'kube-scheduler': kubernetes('kube-scheduler', 0.5),
  kubelet: kubernetes('kubelet', 1.4),
  kubectl: kubernetes('kubectl', 0.5),
  containerd: containerd('containerd', 1.8),
  'containerd-shim-runc-v2': containerd('containerd-shim-runc-v2', 0.1),
  ctr: containerd('ctr', 0.1),
  runc: {
    name: 'runc',
    family: 'runc',
    version: 'v1.5.2',
    package: 'github.com/opencontainers/runc',
    stamps: [],
    seccomp: true,
    expectedMinutes: 0.3,
  },
  bridge: networkPlugin('bridge', 'main'),
  loopback: networkPlugin('loopback', 'main'),
  'host-local': networkPlugin('host-local', 'ipam'),
  coredns: {
    name: 'coredns',
    family: 'coredns',
    version: 'v1.15.0',
    package: '.',
    stamps: [],
    expectedMinutes: 2.2,
  },
  pause: { name: 'pause', family: 'pause', version: 'v1', package: '.', stamps: [], expectedMinutes: 0.1 },
  versitygw: {
    name: 'versitygw',
    family: 'versitygw',
    version: 'v1.8.0',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    stamps: [],
    expectedMinutes: 2.8,
  },
  kwok: {
    name: 'kwok',
    family: 'kwok',
    version: 'v0.8.0',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    stamps: [],
    expectedMinutes: 1.5,
  },
  kueue: {
    name: 'kueue',
    family: 'kueue',
    version: 'v0.19.1',
    package: 'sigs.k8s.io/kueue/cmd/kueue',
    stamps: ['sigs.k8s.io/kueue/pkg/version.GitVersion=v0.19.1'],
    beside: { module: 'sigs.k8s.io/kueue', folder: 'config' },
    expectedMinutes: 4,
  },
  'network-policies': {
    name: 'network-policies',
    family: 'kube-router',
    version: 'v2.6.3-k3s1',
    package: '.',
    stamps: [],
    expectedMinutes: 0.7,
  },
};

/**
 * What belongs together: `control` serves the API, `node` also runs pods, `s3` is an object store, `bench` fakes many
 * nodes, `kueue` queues Jobs (kubectl renders the manifests that install it).
 */
export const PROGRAM_GROUPS = {
  control: ['etcd', 'kube-apiserver', 'kube-controller-manager'],
  node: [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet',
    'containerd',
    'containerd-shim-runc-v2',
    'ctr',
    'runc',
    'bridge',
    'loopback',
    'host-local',
    'coredns',
    'pause',
    'network-policies',
  ],
  s3: ['versitygw'],
  bench: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'],
  kueue: ['kueue', 'kubectl'],
} as const satisfies Readonly<Record<string, readonly ProgramName[]>>;

function kubernetes(name: ProgramName, expectedMinutes: number): Program {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  const variable = 'k8s.io/component-base/version';
  return {
    name,
    family: 'kubernetes',
    version: KUBERNETES_VERSION,
    package: `k8s.io/kubernetes/cmd/${name}`,
    stamps: [
      `${variable}.gitVersion=${KUBERNETES_VERSION}`,
      `${variable}.gitMajor=${major}`,
      `${variable}.gitMinor=${minor}`,
    ],
    expectedMinutes,
  };
}

function containerd(name: ProgramName, expectedMinutes: number): Program {
  const version = 'v2.4.2';
  return {
    name,
    family: 'containerd',
    version,
    package: `github.com/containerd/containerd/v2/cmd/${name}`,
    stamps: [`github.com/containerd/containerd/v2/version.Version=${version}`],
    expectedMinutes,
  };
}

function networkPlugin(name: ProgramName, kind: 'main' | 'ipam'): Program {
  return {
    name,
    family: 'cni',
    version: 'v1.9.1',
    package: `github.com/containernetworking/plugins/plugins/${kind}/${name}`,
    stamps: [],
    expectedMinutes: 0.1,
  };
}

/** Arguments of `go` that build the program into `output`. */
export function buildArguments(program: Program, output: string): string[] {
  const linkerFlags = ['-s', '-w', ...program.stamps.map((stamp) => `-X ${stamp}`)].join(' ');
  return [
    'build',
    // Given here, not through GOFLAGS, so that a person's own GOFLAGS cannot loosen the pinning.
    '-mod=readonly',
    '-buildvcs=false',
    '-trimpath',
    ...(program.seccomp ? ['-tags', 'seccomp netgo osusergo'] : []),
    '-ldflags',
    linkerFlags,
    '-o',
    output,
    program.package,
  ];
}
