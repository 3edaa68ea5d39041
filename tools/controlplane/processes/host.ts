import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode } from './identity.ts';

const run = promisify(execFile);

/** What a run takes of the host beyond its processes and its directory. Named for that run alone. */
export interface HostResources {
  /** Network interfaces. */
  readonly links: readonly string[];
  /** Absolute paths of control groups, with all below them. */
  readonly cgroups: readonly string[];
}

/** In a run directory: what it takes of the host, written before it is taken. */
const HOST_FILE = 'host.json';

// A control group stays busy for a moment after its last process has ended.
const BUSY_MS = 5_000;

/** Notes what a run is about to take, so that it is given back however the run ends. */
export function recordHost(directory: string, resources: HostResources): void {
  writeFileSync(join(directory, HOST_FILE), JSON.stringify(resources));
}

/** Gives back what was noted in the run directory, if anything; its processes must be gone. May be called again. */
export async function releaseHost(directory: string): Promise<void> {
  const path = join(directory, HOST_FILE);
  const { links, cgroups } = readHost(path);
  for (const link of links) {
    if (existsSync(`/sys/class/net/${link}`)) await run('ip', ['link', 'delete', link]).catch(() => {});
  }
  for (const cgroup of cgroups) await removeTree(cgroup, performance.now() + BUSY_MS);
  rmSync(path, { force: true });
}

function readHost(path: string): HostResources {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as HostResources;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return { links: [], cgroups: [] };
    throw error;
  }
}

/** Control groups are removed as empty folders are, the innermost first; the files in them are not real ones. */
async function removeTree(path: string, deadline: number): Promise<void> {
  for (;;) {
    try {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) await removeTree(join(path, entry.name), deadline);
      }
      return rmdirSync(path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return;
      if (!hasCode(error, 'EBUSY') || performance.now() > deadline) throw error;
      await delay(20);
    }
  }
}
