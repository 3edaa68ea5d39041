import { join } from 'node:path';

/** Ports: etcd's on 127.0.0.1, the API server's on its address. */
export interface Ports {
  readonly etcd: number;
  readonly apiserver: number;
}

/** What the arguments of the programs depend on. */
export interface Settings {
  /** The run directory, with `pki/` inside. */
  readonly directory: string;
  readonly ports: Ports;
  /** Where the API server listens: 127.0.0.1, or the host's address in the network of a node. */
  readonly address: string;
  /** Whether pods run, so that the API server has to reach kubelets. */
  readonly node: boolean;
  /** Whether the data must survive a power cut; without it etcd does not wait for the disk. */
  readonly persistent: boolean;
  readonly controllerManager: boolean;
  readonly auditLog: boolean;
}

/** The first address of the service range: the API server's own service, hence in its certificate. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
const SERVICE_RANGE = '10.96.0.0/16';
const ISSUER = 'https://kubernetes.default.svc';

/** Arguments of etcd: client and peer traffic both need certificates of etcd's own authority. */
export function etcdArguments({ directory, ports, persistent }: Settings): string[] {
  const url = `https://127.0.0.1:${ports.etcd}`;
  const pki = (name: string) => join(directory, 'pki', name);
  return [
    '--name=default',
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    // One member has no peers: any free port does.
    '--listen-peer-urls=https://127.0.0.1:0',
    '--client-cert-auth',
    `--trusted-ca-file=${pki('etcd-ca.crt')}`,
    `--cert-file=${pki('etcd.crt')}`,
    `--key-file=${pki('etcd.key')}`,
    '--peer-client-cert-auth',
    `--peer-trusted-ca-file=${pki('etcd-ca.crt')}`,
    `--peer-cert-file=${pki('etcd.crt')}`,
    `--peer-key-file=${pki('etcd.key')}`,
    '--log-level=warn',
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=1h',
    ...(persistent ? [] : ['--unsafe-no-fsync']),
  ];
}

/** Arguments of kube-apiserver. */
export function apiserverArguments(settings: Settings): string[] {
  const { directory, ports, address, node, controllerManager, auditLog } = settings;
  const pki = (name: string) => join(directory, 'pki', name);
  return [
    `--bind-address=${address}`,
    `--secure-port=${ports.apiserver}`,
    `--etcd-servers=https://127.0.0.1:${ports.etcd}`,
    `--etcd-cafile=${pki('etcd-ca.crt')}`,
    `--etcd-certfile=${pki('etcd-client.crt')}`,
    `--etcd-keyfile=${pki('etcd-client.key')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--service-account-issuer=${ISSUER}`,
    `--service-account-key-file=${pki('service-account.pub')}`,
    `--service-account-signing-key-file=${pki('service-account.key')}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    // A loopback address is no valid endpoint of the `kubernetes` service, so none is written.
    '--endpoint-reconciler-type=none',
    '--shutdown-delay-duration=0s',
    '--profiling=false',
    '--v=1',
    ...(node
      ? [
          '--kubelet-preferred-address-types=InternalIP',
          `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
          `--kubelet-client-key=${pki('kubelet-client.key')}`,
          `--kubelet-certificate-authority=${pki('ca.crt')}`,
        ]
      : []),
    // Without the controller manager nobody makes the default service accounts that this plug-in asks for.
    ...(controllerManager ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...(auditLog
      ? [
          `--audit-policy-file=${join(directory, 'audit-policy.yaml')}`,
          `--audit-log-path=${auditLogPath(directory)}`,
          '--audit-log-maxsize=1000',
        ]
      : []),
  ];
}

/** Arguments of kube-controller-manager. */
export function controllerManagerArguments({ directory }: Settings): string[] {
  const pki = (name: string) => join(directory, 'pki', name);
  return [
    `--kubeconfig=${pki('controller-manager.kubeconfig')}`,
    '--use-service-account-credentials',
    `--service-account-private-key-file=${pki('service-account.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--leader-elect=false',
    // It serves nothing here that is asked for, so it needs no port.
    '--secure-port=0',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--profiling=false',
    '--v=1',
  ];
}

/** Arguments of kube-scheduler. */
export function schedulerArguments({ directory }: Settings): string[] {
  return [
    `--kubeconfig=${join(directory, 'pki', 'scheduler.kubeconfig')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--profiling=false',
    '--v=1',
  ];
}

/** Where the API server writes one JSON text a request, if it was asked to. */
export function auditLogPath(directory: string): string {
  return join(directory, 'logs', 'audit.log');
}

/** What is audited: every write, our own kinds with their contents; secrets never with theirs. */
export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  omitManagedFields: true,
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'RequestResponse', resources: [{ group: 'training.kriptik.ai' }, { group: 'batch' }] },
    { level: 'Metadata' },
  ],
};
