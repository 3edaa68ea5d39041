import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { unpackDebian } from '@kriptik/tools/controlplane/binaries/debian.ts';

/**
 * Path of promtool, which tests alerting rules: that on PATH, else Debian's, unpacked into the cache. Where neither
 * can be had, says why on standard error and gives undefined.
 */
export async function promtool(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const installed = folders.map((folder) => join(folder, 'promtool')).find((path) => existsSync(path));
  if (installed) return installed;
  try {
    return join(await unpackDebian('prometheus', cacheRoot(env)), 'usr', 'bin', 'promtool');
  } catch (error) {
    console.warn(`promtool is not here: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
