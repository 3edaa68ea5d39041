import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { recordHost } from '../processes/host.ts';
import { hasCode } from '../processes/identity.ts';
import type { Supervised } from '../processes/supervised.ts';
import type { NodeNetwork } from './network.ts';

const run = promisify(execFile);

/** Namespaces that stand for a machine: what is started in them ends, and what is mounted goes, with their first process. */
export interface Machine {
  /** The folder of the run in which the machine keeps its files. */
  readonly directory: string;
  readonly network: NodeNetwork;
  /** The name of its control group, below which its pods run. */
  readonly cgroup: string;
  /** Starts a supervised program in the machine; resolves when it runs. */
  readonly start: (name: string, file: string, args: readonly string[], env?: Environment) => Promise<void>;
  /** Ends a program that was started in the machine, at once. */
  readonly end: (name: string) => Promise<void>;
  /** Runs a command in the machine and resolves with its standard output. */
  readonly run: (file: string, args: readonly string[]) => Promise<string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const CGROUP_ROOT = '/sys/fs/cgroup';
const START_MS = 60_000;

/**
 * What the first process of a machine does: its mounts are seen by no other process, so nothing has to be unmounted
 * afterwards. Programs that write to fixed places write into the run directory instead. Then it waits for orphans.
 */
const INIT = `set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
for folder in /var/lib /var/log; do
  name=$(basename $folder)
  mkdir -p "$1/host/$name/upper" "$1/host/$name/work"
  mount -t overlay -o "lowerdir=$folder,upperdir=$1/host/$name/upper,workdir=$1/host/$name/work" overlay $folder
done
hostname "$2"
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
touch "$1/ready"
while :; do sleep 2147483647 & wait $!; done`;

/**
 * Makes a machine: process, mount, network, host name and IPC namespaces, joined to the host by one pair of interfaces.
 * All it takes of the host is noted in the run directory before it is taken.
 */
export async function startMachine(
  runDirectory: string,
  supervised: Supervised,
  network: NodeNetwork,
): Promise<Machine> {
  const { name } = network;
  const directory = join(runDirectory, 'node');
  // Of an earlier start in a data directory: a node keeps nothing.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  const cgroups = controlGroups(name);
  recordHost(runDirectory, { links: [network.link], cgroups });
  for (const cgroup of cgroups) mkdirSync(cgroup);
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc'];
  const init = ['/bin/sh', '-c', INIT, 'init', directory, name];
  const outerName = `${name}-outer`;
  const outer = await supervised.start(outerName, 'unshare', [
    ...namespaces,
    '--fork',
    '--kill-child',
    '--mount-proc',
    ...init,
  ]);
  const pid = await untilFound(() => childOf(outer), outerName, supervised);
  // Its end is the end of all in it, and it is gone only when they are.
  await supervised.adopt(name, pid);
  await untilFound(() => (existsSync(join(directory, 'ready')) ? true : undefined), outerName, supervised);
  await connect(network, pid);
  const enter = ['--target', String(pid), '--mount', '--net', '--pid', '--uts', '--ipc', '--'];
  return {
    directory,
    network,
    cgroup: `/${name}`,
    async start(program, file, args, env) {
      // nsenter waits for the program and ends as it did, but hands no signal on.
      const nsenter = await supervised.start(program, 'nsenter', [...enter, file, ...args], { ...(env && { env }) });
      await supervised.adopt(inside(program), await untilFound(() => childOf(nsenter), program, supervised));
    },
    end: (program) => supervised.endPrograms([program, inside(program)]),
    async run(file, args) {
      const { stdout } = await run('nsenter', [...enter, file, ...args], { maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    },
  };
}

/** Gives both ends of the pair their addresses, and the host the way to the pods. */
async function connect(network: NodeNetwork, pid: number): Promise<void> {
  const { link, host, node, pods } = network;
  const ip = (...args: string[]) => run('ip', args);
  const within = (...args: string[]) => run('nsenter', ['--target', String(pid), '--net', 'ip', ...args]);
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
  await ip('address', 'add', `${host}/25`, 'dev', link);
  await ip('link', 'set', link, 'up');
  await ip('route', 'add', pods, 'via', node);
  await within('address', 'add', `${node}/25`, 'dev', 'eth0');
  await within('link', 'set', 'eth0', 'up');
  await within('route', 'add', 'default', 'via', host);
}

/** The record of a program itself, beside that of the one which put it into the machine. */
function inside(program: string): string {
  return `${program}-inside`;
}

/** The folders of a control group of that name: one for each hierarchy of version 1, one alone with version 2. */
function controlGroups(name: string): string[] {
  if (existsSync(join(CGROUP_ROOT, 'cgroup.controllers'))) return [join(CGROUP_ROOT, name)];
  return readdirSync(CGROUP_ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(CGROUP_ROOT, entry.name, name));
}

function childOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Waits for what the probe finds; fails at once, with the tail of its log, when the program ends before. */
async function untilFound<T>(probe: () => T | undefined, program: string, supervised: Supervised): Promise<T> {
  const deadline = performance.now() + START_MS;
  let over = false;
  const poll = async (): Promise<T> => {
    for (;;) {
      const value = probe();
      if (value !== undefined) return value;
      if (over || performance.now() > deadline) {
        throw new Error(`${program} did not start within ${START_MS / 1000} s: ${supervised.logPath(program)}`);
      }
      await delay(10);
    }
  };
  try {
    return await Promise.race([poll(), supervised.whenEnded(program)]);
  } finally {
    over = true;
  }
}
