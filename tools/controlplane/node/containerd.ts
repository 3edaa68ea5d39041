import { join } from 'node:path';
import type { NodeNetwork } from './network.ts';

/** Where containerd listens; below a `/run` that only the machine sees, so short and the same everywhere. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** The image that each pod starts with. */
export const PAUSE_IMAGE = 'kriptik.local/pause:v1';

interface ContainerdSettings {
  /** The machine's folder. */
  readonly directory: string;
  /** Paths of the programs. */
  readonly runc: string;
  readonly shim: string;
  readonly networkPlugins: string;
}

/** The text of containerd's configuration file (format 3). JSON strings are TOML strings too. */
export function containerdConfig({ directory, runc, shim, networkPlugins }: ContainerdSettings): string {
  const text = JSON.stringify;
  const runtime = "plugins.'io.containerd.cri.v1.runtime'";
  return `version = 3
root = ${text(join(directory, 'containerd'))}
state = "/run/containerd"
[grpc]
address = ${text(CONTAINERD_SOCKET)}
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = ${text(PAUSE_IMAGE)}
[${runtime}]
# Not every root may make a process less likely to be killed for its memory.
restrict_oom_score_adj = true
[${runtime}.cni]
bin_dirs = [${text(networkPlugins)}]
conf_dir = ${text(join(directory, 'cni'))}
[${runtime}.containerd]
default_runtime_name = "runc"
[${runtime}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = ${text(shim)}
[${runtime}.containerd.runtimes.runc.options]
BinaryName = ${text(runc)}
SystemdCgroup = false
`;
}

/** The network of pods: a bridge inside the machine, addresses from the pods' range, no translation of addresses. */
export function networkConfig(directory: string, { pods }: NodeNetwork): object {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods0',
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: pods }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: join(directory, 'addresses'),
        },
      },
    ],
  };
}
