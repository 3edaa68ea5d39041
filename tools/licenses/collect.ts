import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of the lock file. */
export interface Dependency {
  readonly name: string;
  readonly version: string;
  /** SPDX expression as the package states it, or `unknown`. */
  readonly license: string;
  /** Only needed to develop: never part of what is shipped. */
  readonly development: boolean;
}

interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/**
 * Every package of `root`/package-lock.json, each name and version once, sorted. The licence is read from the lock
 * file, which also knows the packages of other platforms, else from the installed package.
 */
export function collectDependencies(root: string): Dependency[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>;
  };
  const found = new Map<string, Dependency>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    // What lies elsewhere is a workspace of ours; a link points to one.
    const at = path.lastIndexOf('node_modules/');
    if (at < 0 || entry.link) continue;
    const name = entry.name ?? path.slice(at + 'node_modules/'.length);
    const version = entry.version ?? 'unknown';
    const license = entry.license ?? installedLicense(join(root, path)) ?? 'unknown';
    const key = `${name} ${version}`;
    const development = (entry.dev ?? false) && (found.get(key)?.development ?? true);
    found.set(key, { name, version, license, development });
  }
  // By code unit, so that the order is the same in every locale.
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, dependency]) => dependency);
}

/** `license`, or the older `license: {type}` and `licenses: [{type}]`, of an installed package. */
function installedLicense(directory: string): string | undefined {
  const path = join(directory, 'package.json');
  if (!existsSync(path)) return undefined;
  const { license, licenses } = JSON.parse(readFileSync(path, 'utf8')) as {
    license?: string | { type?: string };
    licenses?: readonly { type?: string }[];
  };
  if (typeof license === 'string') return license;
  return license?.type ?? licenses?.map(({ type }) => type).join(' OR ');
}
