import { basename, join } from 'node:path';
import { ownAccess } from './access.ts';
import { PROGRAM_GROUPS, type ProgramName } from './binaries/programs.ts';
import { resolvePrograms } from './binaries/resolve.ts';
import { auditLogPath } from './embedded/arguments.ts';
import { startEmbedded } from './embedded/start.ts';
import { startFailure } from './failure.ts';
import { nodeUnavailable } from './node/available.ts';
import { startMachine } from './node/machine.ts';
import { networkOf } from './node/network.ts';
import { startNode } from './node/start.ts';
import { createRunDirectory, openDataDirectory, type RunDirectory } from './processes/rundir.ts';
import { type Supervised, supervise } from './processes/supervised.ts';
import { endRecorded } from './processes/sweep.ts';
import type { ControlPlane, ControlPlaneDescriptor, Resolved } from './types.ts';

/** Programs get this long to end in order where their data is kept; else they are killed at once. */
const GRACE_MS = 5_000;

/** The programs that run all the time; the others are called by them. */
const SERVERS: ReadonlySet<ProgramName> = new Set([
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'containerd',
  'kubelet',
  'coredns',
]);

/** Starts programs of our own. On failure nothing is left but the logs, whose place the error names. */
export async function startOwn(options: Resolved): Promise<ControlPlane> {
  const unavailable = options.node ? nodeUnavailable() : undefined;
  if (unavailable !== undefined) throw new Error(unavailable);
  const names = programsFor(options);
  const programs = await resolvePrograms(names, options);
  const { dataDirectory } = options;
  const directory = await (dataDirectory === undefined
    ? createRunDirectory(options.runRoot, options.now())
    : openDataDirectory(dataDirectory));
  const supervised = supervise(directory.path, { removeWhenOrphaned: !directory.persistent });
  try {
    const { persistent, path } = directory;
    const machine = options.node ? await startMachine(path, supervised, networkOf(path)) : undefined;
    const address = machine?.network.host ?? '127.0.0.1';
    const embedded = await startEmbedded({ ...options, programs, supervised, directory: path, persistent, address });
    const node = machine && (await startNode({ ...options, machine, embedded, programs, supervised }));
    const descriptor: ControlPlaneDescriptor = {
      source: 'embedded',
      kubeconfigPath: join(path, 'kubeconfig'),
      directory: path,
      run: basename(path),
      ...(options.auditLog && { auditLogPath: auditLogPath(path) }),
    };
    const running = names.filter((name) => SERVERS.has(name));
    const access = ownAccess(descriptor, embedded.kubeconfig, embedded.client, embedded.keys.authority);
    return {
      ...access,
      descriptor,
      auditLogPath: descriptor.auditLogPath,
      logs: Object.fromEntries(running.map((name) => [name, supervised.logPath(name)])),
      apiServer: embedded.apiServer,
      node,
      whenFailed: () => Promise.race(running.map((name) => supervised.whenEnded(name))),
      stop: async ({ keepLogs = false } = {}) => {
        embedded.client.close();
        await end(supervised, directory, keepLogs);
      },
    };
  } catch (error) {
    await end(supervised, directory, true);
    throw startFailure(error, directory.path, join(directory.path, 'logs'));
  }
}

function programsFor({ node, scheduler, controllerManager }: Resolved): readonly ProgramName[] {
  if (node) return PROGRAM_GROUPS.node;
  const control = PROGRAM_GROUPS.control.filter((name) => controllerManager || name !== 'kube-controller-manager');
  return scheduler ? [...control, 'kube-scheduler'] : control;
}

async function end(supervised: Supervised, directory: RunDirectory, keepLogs: boolean): Promise<void> {
  await supervised.stop({ graceMs: directory.persistent ? GRACE_MS : 0, remove: false });
  // Had the supervisor been killed, its programs would still run.
  await endRecorded(directory.path);
  if (keepLogs) directory.keepLogs();
  else directory.release();
}
