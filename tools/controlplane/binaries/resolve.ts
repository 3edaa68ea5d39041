import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, buildProgram } from './build.ts';
import { cachedPath } from './cache.ts';
import { PROGRAMS, type Program, type ProgramName } from './programs.ts';

/** Where a program comes from, in the order of preference. */
type ProgramOrigin = 'KUBEBUILDER_ASSETS' | 'cache' | 'build';

/** A program that can be started. */
export interface ResolvedProgram {
  readonly name: ProgramName;
  readonly path: string;
  readonly origin: ProgramOrigin;
}

interface ResolveOptions extends BuildOptions {
  /** Builds a program; replaced in tests. */
  readonly build?: (program: Program, options: BuildOptions) => Promise<string>;
}

/**
 * Finds each program in KUBEBUILDER_ASSETS, else in the cache, else builds it: only what is asked for, one after
 * another, because a Go build uses every core by itself.
 * @throws BuildError, or an Error when KUBEBUILDER_ASSETS names no folder.
 */
export async function resolvePrograms(
  names: readonly ProgramName[],
  options: ResolveOptions,
): Promise<Map<ProgramName, ResolvedProgram>> {
  const resolved = new Map<ProgramName, ResolvedProgram>();
  for (const name of names) {
    const found = locateProgram(name, options);
    if (found) {
      resolved.set(name, found);
      continue;
    }
    const path = await (options.build ?? buildProgram)(PROGRAMS[name], options);
    resolved.set(name, { name, path, origin: 'build' });
  }
  return resolved;
}

/** Looks for the program without building it. */
export function locateProgram(
  name: ProgramName,
  { env, cache }: Pick<BuildOptions, 'env' | 'cache'>,
): ResolvedProgram | undefined {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (assets) {
    if (!existsSync(assets)) {
      throw new Error(
        `KUBEBUILDER_ASSETS names ${assets}, which does not exist. Unset it, or point it at the folder that holds etcd and kube-apiserver.`,
      );
    }
    const path = join(assets, name);
    if (isExecutable(path)) return { name, path, origin: 'KUBEBUILDER_ASSETS' };
  }
  const path = cachedPath(cache, PROGRAMS[name]);
  return isExecutable(path) ? { name, path, origin: 'cache' } : undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
