import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebian } from '../binaries/debian.ts';
import type { PolicyRule } from '../cluster/rbac.ts';

/** What the firewall of the node may do: it only looks. */
export const POLICY_RULES: readonly PolicyRule[] = [
  { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
];

const PROGRAMS = ['iptables', 'iptables-save', 'iptables-restore', 'ipset'] as const;

/** Debian's packages of these programs, and the libraries that they need beyond those of every system. */
const PACKAGES = [
  'iptables',
  'libip4tc2',
  'libip6tc2',
  'libxtables12',
  'libnftnl11',
  'libmnl0',
  'libnetfilter-conntrack3',
  'libnfnetlink0',
  'ipset',
  'libipset13',
] as const;

/** Folders of libraries by the platform's name for itself. */
const LIBRARIES: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/**
 * Environment with which iptables and ipset are found: those of `path`, else Debian's, unpacked into the cache and
 * linked from `folder`. Nothing is installed.
 * @throws BuildError where they are neither there nor to be had.
 */
export async function firewallEnvironment(
  path: string,
  folder: string,
  cache: string,
): Promise<Record<string, string>> {
  const installed = PROGRAMS.every((name) => path.split(':').some((place) => existsSync(join(place, name))));
  if (installed) return { PATH: path };
  const roots: string[] = [];
  for (const name of PACKAGES) roots.push(await unpackDebian(name, cache));
  mkdirSync(folder);
  for (const name of PROGRAMS) {
    // One program of many names: it is who it is called as.
    const file = name === 'ipset' ? name : 'xtables-nft-multi';
    const root = roots[PACKAGES.indexOf(name === 'ipset' ? 'ipset' : 'iptables')] ?? '';
    symlinkSync(join(root, 'usr', 'sbin', file), join(folder, name));
  }
  const libraries = roots.map((root) => join(root, 'usr', 'lib', LIBRARIES[process.arch] ?? ''));
  return {
    PATH: `${folder}:${path}`,
    LD_LIBRARY_PATH: libraries.join(':'),
    XTABLES_LIBDIR: join(libraries[0] ?? '', 'xtables'),
  };
}
