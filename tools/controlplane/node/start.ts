import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProgramName } from '../binaries/programs.ts';
import type { ResolvedProgram } from '../binaries/resolve.ts';
import type { PolicyRule } from '../cluster/rbac.ts';
import { applyObjects } from '../cluster/resources.ts';
import { writeComponentKubeconfig, writePair, writePrivate } from '../embedded/keys.ts';
import type { Embedded } from '../embedded/start.ts';
import { namesIn } from '../images/archive.ts';
import type { Supervised } from '../processes/supervised.ts';
import type { ClusterNode } from '../types.ts';
import { CONTAINERD_SOCKET, containerdConfig, networkConfig } from './containerd.ts';
import { corefile, DNS_READY_PORT, DNS_RULES } from './dns.ts';
import { kubeletArguments, kubeletConfig } from './kubelet.ts';
import type { Machine } from './machine.ts';
import { pauseImage } from './pause.ts';
import { firewallEnvironment, POLICY_RULES } from './policies.ts';

/** What starting needs. */
interface NodeOptions {
  readonly machine: Machine;
  readonly embedded: Embedded;
  readonly programs: ReadonlyMap<ProgramName, ResolvedProgram>;
  readonly supervised: Supervised;
  readonly readyTimeoutMs: number;
  /** Root of the cache; see `cacheRoot`. */
  readonly cache: string;
}

const DNS_USER = 'kriptik-dns';
const POLICY_USER = 'kriptik-network-policies';

/**
 * Starts containerd, CoreDNS and kubelet in the machine and waits until the node is Ready.
 * @throws ProgramEnded with the tail of its log as soon as one ends, Error when the deadline passes.
 */
export async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { machine } = options;
  const { network } = machine;
  await writeFiles(options);
  await machine.start(
    'containerd',
    pathOf('containerd', options),
    ['--config', join(machine.directory, 'containerd.toml')],
    ENVIRONMENT,
  );
  await machine.start(
    'coredns',
    pathOf('coredns', options),
    ['-conf', join(machine.directory, 'Corefile')],
    ENVIRONMENT,
  );
  const ctr = (...args: string[]) =>
    machine.run(pathOf('ctr', options), ['--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', ...args]);
  await until('containerd', options, () => succeeds(ctr('version')));
  const importImage = async (archive: string) => {
    await ctr('images', 'import', archive);
    return namesIn(archive);
  };
  await importImage(await pauseImage(pathOf('pause', options), machine.directory));
  const startKubelet = async () => {
    const since = Date.now();
    await machine.start('kubelet', pathOf('kubelet', options), kubeletArguments(kubeletSettings(machine)), ENVIRONMENT);
    await until('kubelet', options, () => isReady(options, since));
  };
  await startKubelet();
  await until('coredns', options, () => answers(`http://${network.node}:${DNS_READY_PORT}/ready`));
  return {
    name: network.name,
    address: network.node,
    hostAddress: network.host,
    importImage,
    enforceNetworkPolicies: () => startFirewall(options),
    stopKubelet: () => machine.end('kubelet'),
    startKubelet,
  };
}

/** Starts what enforces NetworkPolicies, and waits until all that is forwarded goes through its rules. */
async function startFirewall(options: NodeOptions): Promise<void> {
  const { machine, embedded, cache } = options;
  const { directory, network } = machine;
  const [{ cluster }] = embedded.kubeconfig.clusters;
  const kubeconfig = join(directory, 'network-policies.kubeconfig');
  await writeComponentKubeconfig(kubeconfig, { username: POLICY_USER }, embedded.keys.authority, cluster.server);
  await applyObjects(embedded.client, rightsOf(POLICY_USER, POLICY_RULES));
  const env = { ...ENVIRONMENT, ...(await firewallEnvironment(ENVIRONMENT.PATH, join(directory, 'firewall'), cache)) };
  const args = [`--kubeconfig=${kubeconfig}`, `--node=${network.name}`];
  await machine.start('network-policies', pathOf('network-policies', options), args, env);
  const save = ['-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'iptables-save'];
  const ruled = async () => (await machine.run('env', save)).includes('-j KUBE-ROUTER-FORWARD');
  await until('network-policies', options, ruled);
}

// Nothing of the caller's: these programs need no more, and a proxy for the Internet is none for them.
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: homedir(),
  NO_PROXY: '*',
};

async function writeFiles(options: NodeOptions): Promise<void> {
  const { machine, embedded } = options;
  const { directory, network } = machine;
  const { authority } = embedded.keys;
  const [{ cluster }] = embedded.kubeconfig.clusters;
  const file = (name: string) => join(directory, name);
  const settings = kubeletSettings(machine);
  mkdirSync(file('cni'));
  mkdirSync(settings.podLogs, { recursive: true });
  writeFileSync(file('cni/pods.conflist'), JSON.stringify(networkConfig(directory, network)));
  const programs = { runc: pathOf('runc', options), shim: pathOf('containerd-shim-runc-v2', options) };
  const networkPlugins = dirname(pathOf('bridge', options));
  writeFileSync(file('containerd.toml'), containerdConfig({ directory, ...programs, networkPlugins }));
  writeFileSync(file('kubelet.yaml'), JSON.stringify(kubeletConfig(settings)));
  writeFileSync(file('resolv.conf'), '');
  writeFileSync(file('ca.crt'), authority.cert);
  const serving = { name: `system:node:${network.name}`, groups: ['system:nodes'], ipAddresses: [network.node] };
  writePair(directory, 'kubelet', await authority.issue({ ...serving, usages: ['server'] }));
  const kubelet = { username: serving.name, groups: serving.groups };
  await writeComponentKubeconfig(file('kubelet.kubeconfig'), kubelet, authority, cluster.server);
  await writeComponentKubeconfig(file('dns.kubeconfig'), { username: DNS_USER }, authority, cluster.server);
  writePrivate(file('Corefile'), corefile(network.node, file('dns.kubeconfig')));
  await applyObjects(embedded.client, rightsOf(DNS_USER, DNS_RULES));
}

function rightsOf(name: string, rules: readonly PolicyRule[]) {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const apiGroup = 'rbac.authorization.k8s.io';
  const metadata = { name };
  return [
    { apiVersion, kind: 'ClusterRole', metadata, rules },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'ClusterRole', name },
      subjects: [{ apiGroup, kind: 'User', name }],
    },
  ];
}

function kubeletSettings({ directory, network, cgroup }: Machine) {
  const podLogs = join(dirname(directory), 'logs', 'pods');
  return { directory, podLogs, name: network.name, address: network.node, cgroup, labels: {} };
}

function pathOf(name: ProgramName, { programs }: NodeOptions): string {
  const program = programs.get(name);
  if (!program) throw new Error(`${name} was not resolved before it was needed`);
  return program.path;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastHeartbeatTime: string;
}

/** Whether the node has said since then (milliseconds since the epoch) that it is Ready. */
async function isReady({ embedded, machine }: NodeOptions, since: number): Promise<boolean> {
  const { status, body } = await embedded.client.send('GET', `/api/v1/nodes/${machine.network.name}`);
  if (status !== 200) return false;
  const { conditions = [] } = (body as { status: { conditions?: readonly Condition[] } }).status;
  // The API tells times in whole seconds.
  const isNews = ({ lastHeartbeatTime }: Condition) => Date.parse(lastHeartbeatTime) >= since - 1_000;
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True' && isNews(condition));
}

/** Waits until the probe holds; fails at once when the program ends. */
async function until(program: ProgramName, options: NodeOptions, probe: () => Promise<boolean>): Promise<void> {
  const { supervised, readyTimeoutMs } = options;
  let over = false;
  const poll = async () => {
    const deadline = performance.now() + readyTimeoutMs;
    while (!over && !(await probe())) {
      if (performance.now() > deadline) {
        const log = supervised.logPath(program);
        throw new Error(
          `The node did not become ready: ${program} has not within ${readyTimeoutMs / 1000} s. See ${log}.`,
        );
      }
      await delay(50);
    }
  };
  try {
    await Promise.race([poll(), supervised.whenEnded(program)]);
  } finally {
    over = true;
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
  });
}
