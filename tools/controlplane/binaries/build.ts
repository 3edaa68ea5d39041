import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../processes/identity.ts';
import { waitForLock } from '../processes/lock.ts';
import { cachedPath } from './cache.ts';
import { type BuildContext, explainBuildFailure, goMissing } from './explain.ts';
import { buildArguments, type Program } from './programs.ts';
import type { Progress } from './progress.ts';

/** What a build needs from its surroundings. */
export interface BuildOptions {
  /** Root of the cache; see `cacheRoot`. */
  readonly cache: string;
  readonly progress: Progress;
  /** Environment for `go`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that holds one folder with go.mod and go.sum for each family. */
  readonly recipes?: string;
  readonly signal?: AbortSignal;
}

/**
 * Builds the program into the cache, unless it is there, and returns its path. Safe to call from several
 * processes at once: one builds, the others wait and use what it made.
 * @throws BuildError with the cause and a remedy.
 */
export async function buildProgram(program: Program, options: BuildOptions): Promise<string> {
  const target = cachedPath(options.cache, program);
  if (existsSync(target)) return target;
  const lock = await waitForLock(
    `${target}.lock`,
    (holder) => options.progress.note(`waiting for process ${holder.pid}, which is building ${program.name}`),
    options.signal,
  );
  try {
    if (existsSync(target)) return target;
    await compile(program, target, options);
    return target;
  } finally {
    lock.release();
  }
}

async function compile(program: Program, target: string, options: BuildOptions): Promise<void> {
  const directory = join(options.recipes ?? import.meta.dirname, program.family);
  const context: BuildContext = {
    program: `${program.name} ${program.version}`,
    goVersionWanted: goVersion(readFileSync(join(directory, 'go.mod'), 'utf8')),
    cache: options.cache,
  };
  mkdirSync(dirname(target), { recursive: true });
  removeDrafts(target);
  // In the same folder, so that the rename that publishes it is atomic.
  const draft = `${target}.partial-${process.pid}`;
  const done = options.progress.start(`building ${context.program}`, program.expectedMinutes);
  try {
    const { code, output } = await runGo(buildArguments(program, draft), directory, options, context);
    if (code !== 0) throw explainBuildFailure(output, context);
    renameSync(draft, target);
  } finally {
    done();
    rmSync(draft, { force: true });
  }
}

/** The `go` directive of a go.mod, e.g. `1.26.0`. */
export function goVersion(goMod: string): string {
  return goMod.match(/^go (\S+)$/m)?.[1] ?? 'the version named in go.mod';
}

function removeDrafts(target: string): void {
  const directory = dirname(target);
  const prefix = `${target.slice(directory.length + 1)}.partial-`;
  for (const name of readdirSync(directory)) {
    if (name.startsWith(prefix)) rmSync(join(directory, name), { force: true });
  }
}

function runGo(
  args: readonly string[],
  cwd: string,
  options: BuildOptions,
  context: BuildContext,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...options.env, CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.signal && { signal: options.signal }),
    });
    let output = '';
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-64_000);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => reject(hasCode(error, 'ENOENT') ? goMissing(context) : error));
    child.on('close', (code) => resolve({ code, output }));
  });
}
