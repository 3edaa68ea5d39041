import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProgramName } from '../binaries/programs.ts';
import type { ResolvedProgram } from '../binaries/resolve.ts';
import { connect, connectionOf, type KubeClient } from '../cluster/client.ts';
import { certificateUser, type Kubeconfig, makeKubeconfig } from '../cluster/kubeconfig.ts';
import { freePorts, isFree } from '../ports.ts';
import { ProgramEnded, type Supervised } from '../processes/supervised.ts';
import type { ApiServer } from '../types.ts';
import {
  AUDIT_POLICY,
  apiserverArguments,
  controllerManagerArguments,
  etcdArguments,
  type Ports,
  type Settings,
  schedulerArguments,
} from './arguments.ts';
import { ADMIN, type ClusterKeys, prepareKeys, writeComponentKubeconfig, writePrivate } from './keys.ts';

/** What starting needs. */
export interface EmbeddedOptions {
  readonly directory: string;
  readonly programs: ReadonlyMap<ProgramName, ResolvedProgram>;
  readonly supervised: Supervised;
  readonly persistent: boolean;
  readonly controllerManager: boolean;
  readonly auditLog: boolean;
  /** Where the API server listens. */
  readonly address: string;
  /** Whether a node of ours will run pods. */
  readonly node: boolean;
  readonly scheduler: boolean;
  readonly now: () => number;
  readonly readyTimeoutMs: number;
  /** Replaced in tests that need a port to be taken. */
  readonly choosePorts?: (last: Ports | undefined) => Promise<Ports>;
}

/** A running control plane of our own. */
export interface Embedded {
  readonly kubeconfig: Kubeconfig;
  readonly client: KubeClient;
  readonly keys: ClusterKeys;
  readonly apiServer: ApiServer;
}

const PORT_ATTEMPTS = 5;
const PORT_TAKEN = /address already in use|bind: /;

/** The API server gives up after 20 s: on a machine as busy as that, etcd may need longer to come up. */
const ETCD_LATE = /etcd grpc connection not ready/;

/**
 * Starts etcd, the API server and, if asked for, the controller manager, and waits until they serve.
 * @throws ProgramEnded with the tail of its log as soon as one ends, Error when the deadline passes.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { directory, now } = options;
  const keys = await prepareKeys(directory, options.address, now);
  if (options.auditLog) writePrivate(join(directory, 'audit-policy.yaml'), JSON.stringify(AUDIT_POLICY));
  const choosePorts = options.choosePorts ?? choose;
  let ports = await choosePorts(lastPorts(directory));
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(ports, keys, options);
    } catch (error) {
      // Somebody took a port between our looking and the program's binding.
      if (attempt === PORT_ATTEMPTS || !(error instanceof ProgramEnded) || !isPassing(error)) throw error;
      await options.supervised.endPrograms();
      ports = await choosePorts(undefined);
    }
  }
}

function isPassing({ log }: ProgramEnded): boolean {
  return PORT_TAKEN.test(log) || ETCD_LATE.test(log);
}

async function startOn(ports: Ports, keys: ClusterKeys, options: EmbeddedOptions): Promise<Embedded> {
  const { directory } = options;
  const settings: Settings = { ...options, ports };
  const server = `https://${options.address}:${ports.apiserver}`;
  const user = certificateUser(keys.admin);
  const kubeconfig = makeKubeconfig({ server, ca: keys.authority.cert, username: ADMIN.name, user });
  for (const component of ['controller-manager', 'scheduler']) {
    const path = join(directory, 'pki', `${component}.kubeconfig`);
    await writeComponentKubeconfig(path, { username: `system:kube-${component}` }, keys.authority, server);
  }
  // Together: the API server tries etcd again until it answers.
  await startProgram('etcd', etcdArguments(settings), options);
  await startProgram('kube-apiserver', apiserverArguments(settings), options);
  const client = connect(connectionOf(kubeconfig));
  try {
    await serving(client, '/readyz', ['etcd', 'kube-apiserver'], options);
    if (options.scheduler) await startProgram('kube-scheduler', schedulerArguments(settings), options);
    if (options.controllerManager) {
      await startProgram('kube-controller-manager', controllerManagerArguments(settings), options);
      // Made by a controller, and needed before any pod: it shows that the controllers work.
      const account = '/api/v1/namespaces/default/serviceaccounts/default';
      await serving(client, account, ['kube-apiserver', 'kube-controller-manager'], options);
    }
  } catch (error) {
    client.close();
    throw error;
  }
  writePrivate(join(directory, 'ports.json'), JSON.stringify(ports));
  writePrivate(join(directory, 'kubeconfig'), JSON.stringify(kubeconfig));
  const apiServer: ApiServer = {
    stop: () => options.supervised.endPrograms(['kube-apiserver']),
    async start() {
      await startProgram('kube-apiserver', apiserverArguments(settings), options);
      await serving(client, '/readyz', ['etcd', 'kube-apiserver'], options);
    },
  };
  return { kubeconfig, client, keys, apiServer };
}

async function startProgram(name: ProgramName, args: readonly string[], options: EmbeddedOptions): Promise<void> {
  const program = options.programs.get(name);
  if (!program) throw new Error(`${name} was not resolved before it was started`);
  await options.supervised.start(name, program.path, args, { env: directEnvironment() });
}

/** These programs talk to this machine alone: a proxy for the Internet is none for them. */
function directEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, NO_PROXY: '*', no_proxy: '*' };
}

/** Waits until the path is there; fails at once when one of the programs ends. */
async function serving(
  client: KubeClient,
  path: string,
  programs: readonly ProgramName[],
  options: EmbeddedOptions,
): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      waitFor(() => exists(client, path), over.signal, path, options),
      ...programs.map((name) => options.supervised.whenEnded(name)),
    ]);
  } finally {
    // Else the losing poll would go on, and open connections to whoever has the port now.
    over.abort();
  }
}

async function waitFor(
  probe: () => Promise<boolean>,
  signal: AbortSignal,
  path: string,
  { readyTimeoutMs, directory }: EmbeddedOptions,
): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (!signal.aborted && !(await probe())) {
    if (performance.now() > deadline) {
      throw new Error(
        `The control plane did not become ready: ${path} did not answer within ${readyTimeoutMs / 1000} s. See the logs in ${join(directory, 'logs')}.`,
      );
    }
    await delay(25);
  }
}

async function exists(client: KubeClient, path: string): Promise<boolean> {
  try {
    return (await client.send('GET', path, { timeoutMs: 2_000 })).status === 200;
  } catch {
    // Not listening yet.
    return false;
  }
}

/** The ports of the last start where they are still free, so that kubeconfigs handed out then stay good. */
async function choose(last: Ports | undefined): Promise<Ports> {
  if (last && (await isFree(last.etcd)) && (await isFree(last.apiserver))) return last;
  const [etcd = 0, apiserver = 0] = await freePorts(2);
  return { etcd, apiserver };
}

function lastPorts(directory: string): Ports | undefined {
  const path = join(directory, 'ports.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Ports) : undefined;
}
