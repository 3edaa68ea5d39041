import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from '../processes/identity.ts';
import { BuildError } from './explain.ts';

const run = promisify(execFile);

/**
 * Unpacks a Debian package of this machine's own release into the cache, which needs no root, and returns the folder
 * that stands for `/`. Nothing is installed. The package manager checks signature and checksum; the version is in
 * the path. An unpacked package is used again, without asking for a newer one.
 * @throws BuildError where this is no Debian or the package cannot be had.
 */
export async function unpackDebian(name: string, cache: string): Promise<string> {
  const parent = join(cache, 'debian', name);
  mkdirSync(parent, { recursive: true });
  const there = readdirSync(parent).find((entry) => !entry.startsWith('.'));
  if (there !== undefined) return join(parent, there);
  // Beside the target, so that the rename that publishes it is atomic.
  const work = mkdtempSync(join(parent, '.unpack-'));
  try {
    await run('apt-get', ['download', name], { cwd: work });
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get downloaded nothing');
    const root = join(work, 'root');
    await run('dpkg', ['-x', join(work, file), root]);
    const target = join(parent, file.slice(0, -'.deb'.length));
    if (!existsSync(target)) renameSync(root, target);
    return target;
  } catch (error) {
    throw new BuildError(unavailable(name, error));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function unavailable(name: string, error: unknown): string {
  if (hasCode(error, 'ENOENT')) {
    return `Debian's package ${name} is needed, but this machine has no apt-get and dpkg. Install what it holds by hand.`;
  }
  const detail = error instanceof Error ? error.message.trim().split('\n').slice(-3).join('\n') : String(error);
  return `Debian's package ${name} cannot be had. Run \`apt-get update\` as root and try again. It said:\n${detail}`;
}
