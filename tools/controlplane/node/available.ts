import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a machine must have to run a node of its own. */
export interface MachineFacts {
  readonly platform: string;
  /** The numeric user, where the platform has one. */
  readonly uid: number | undefined;
  readonly hasCommand: (name: string) => boolean;
  /** Whether control groups can be made. */
  readonly ownsControlGroups: boolean;
}

// util-linux, iproute2 and tar; everything else is built.
const COMMANDS = ['unshare', 'nsenter', 'mount', 'ip', 'tar'] as const;

/** Why no node of our own can run on this machine, with a remedy; undefined where one can. */
export function nodeUnavailable(facts: MachineFacts = machineFacts()): string | undefined {
  const given = 'Or set KUBECONFIG to a cluster whose nodes run pods.';
  if (facts.platform !== 'linux') return `A node needs Linux; this is ${facts.platform}. ${given}`;
  if (facts.uid !== 0) return `A node needs root, for namespaces, mounts and control groups. ${given}`;
  const missing = COMMANDS.filter((name) => !facts.hasCommand(name));
  if (missing.length > 0) return `A node needs ${missing.join(', ')} on PATH (util-linux, iproute2, tar). ${given}`;
  if (!facts.ownsControlGroups) return `A node makes control groups, but /sys/fs/cgroup cannot be written. ${given}`;
  return undefined;
}

function machineFacts(): MachineFacts {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    hasCommand: (name) => folders.some((folder) => existsSync(join(folder, name))),
    ownsControlGroups: canWrite('/sys/fs/cgroup') && canWrite('/proc/sys/net/ipv4/ip_forward'),
  };
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
