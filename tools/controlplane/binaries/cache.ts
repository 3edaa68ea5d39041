import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Program } from './programs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder that outlives a clone: `$KRIPTIK_CACHE`, else `$XDG_CACHE_HOME/kriptik`, else `~/.cache/kriptik`.
 * Empty variables count as unset.
 */
export function cacheRoot(env: Environment, home: string = homedir()): string {
  if (env['KRIPTIK_CACHE']) return env['KRIPTIK_CACHE'];
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'kriptik');
}

/**
 * Where a built program is kept. The version and the platform are in the path, so a new version never
 * runs an old program and a home folder shared between machines holds both.
 */
export function cachedPath(root: string, program: Program, platform = `${process.platform}-${process.arch}`): string {
  return join(root, 'bin', `${program.family}-${program.version}`, platform, program.name);
}
