/** A program of the control plane and how it is built from the Go module proxy. */
export interface Program {
  readonly name: ProgramName;
  /** Folder beside this file that holds the go.mod and go.sum which pin the build. */
  readonly family: 'etcd' | 'kubernetes';
  /** Version of the module, as it appears in go.mod. */
  readonly version: string;
  /** Import path of the main package. */
  readonly package: string;
  /** `name=value` pairs for the linker's `-X`: without them clients see version v0.0.0. */
  readonly stamps: readonly string[];
  /** Minutes of a cold build on two cores, measured; shown as an expectation only. */
  readonly expectedMinutes: number;
}

export type ProgramName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kubectl';

const ETCD_VERSION = 'v3.7.3';
const KUBERNETES_VERSION = 'v1.37.2';

/** Every program that can be built here. A new one needs an import in its family's tools.go. */
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
  kubelet: kubernetes('kubelet', 0.8),
  kubectl: kubernetes('kubectl', 0.5),
};

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

/** Arguments of `go` that build the program into `output`. */
export function buildArguments(program: Program, output: string): string[] {
  const linkerFlags = ['-s', '-w', ...program.stamps.map((stamp) => `-X ${stamp}`)].join(' ');
  return [
    'build',
    // Given here, not through GOFLAGS, so that a person's own GOFLAGS cannot loosen the pinning.
    '-mod=readonly',
    '-buildvcs=false',
    '-trimpath',
    '-ldflags',
    linkerFlags,
    '-o',
    output,
    program.package,
  ];
}
