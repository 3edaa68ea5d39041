import { join } from 'node:path';
import { CONTAINERD_SOCKET } from './containerd.ts';

interface KubeletSettings {
  /** The machine's folder. */
  readonly directory: string;
  /** Where the logs of pods go. */
  readonly podLogs: string;
  /** The node's name and address. */
  readonly name: string;
  readonly address: string;
  /** The control group below which pods run. */
  readonly cgroup: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Port of the kubelet's API; each machine has addresses of its own, so it is never taken. */
export const KUBELET_PORT = 10250;

/** The kubelet's configuration file. */
export function kubeletConfig({ directory, podLogs, address, cgroup }: KubeletSettings): object {
  const file = (name: string) => join(directory, name);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    port: KUBELET_PORT,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: file('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: file('kubelet.crt'),
    tlsPrivateKeyFile: file('kubelet.key'),
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroup,
    // Both versions of control groups and swap are what a developer's machine happens to have.
    failCgroupV1: false,
    failSwapOn: false,
    // The node is a part of a machine that others use: nothing is reserved, and a full disk is not for it to clear.
    enforceNodeAllocatable: [],
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    clusterDNS: [address],
    clusterDomain: 'cluster.local',
    resolvConf: file('resolv.conf'),
    podLogsDir: podLogs,
    volumePluginDir: file('volume-plugins'),
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // Quick enough for tests that wait for a change.
    syncFrequency: '5s',
    nodeStatusUpdateFrequency: '4s',
    shutdownGracePeriod: '0s',
  };
}

/** Arguments of kubelet. */
export function kubeletArguments({ directory, name, address, labels }: KubeletSettings): string[] {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [
    `--config=${join(directory, 'kubelet.yaml')}`,
    `--kubeconfig=${join(directory, 'kubelet.kubeconfig')}`,
    `--root-dir=${join(directory, 'kubelet')}`,
    `--cert-dir=${join(directory, 'kubelet-certificates')}`,
    `--hostname-override=${name}`,
    `--node-ip=${address}`,
    ...(pairs.length > 0 ? [`--node-labels=${pairs.join(',')}`] : []),
    '--v=2',
  ];
}
