import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { waitForLock } from '../processes/lock.ts';
import { ProgramEnded, supervise } from '../processes/supervised.ts';
import { endRecorded } from '../processes/sweep.ts';
import { cachedPath } from './cache.ts';
import { type BuildContext, explainBuildFailure, goMissing } from './explain.ts';
import { buildArguments, type Program } from './programs.ts';
import type { Progress } from './progress.ts';
import { seccompEnvironment } from './seccomp.ts';

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
  const recipe = join(options.recipes ?? import.meta.dirname, program.family);
  const context: BuildContext = {
    program: `${program.name} ${program.version}`,
    goVersionWanted: goVersion(readFileSync(join(recipe, 'go.mod'), 'utf8')),
    cache: options.cache,
  };
  await clearAbandoned(target);
  // Beside the target, so that the rename that publishes the program is atomic.
  const work = mkdtempSync(`${target}.build-`);
  const done = options.progress.start(`building ${context.program}`, program.expectedMinutes);
  try {
    const draft = join(work, program.name);
    const native = program.seccomp ? await seccompEnvironment(options.cache, work) : { CGO_ENABLED: '0' };
    const env = { ...options.env, ...native, GOWORK: 'off' };
    await runGo(buildArguments(program, draft), { recipe, work, context, env, signal: options.signal });
    if (program.beside !== undefined) await keepBeside(program.beside, { recipe, work, env, target });
    renameSync(draft, target);
  } finally {
    done();
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies a folder of a module that was just built from to beside the program, before that is published. */
async function keepBeside(
  { module, folder }: NonNullable<Program['beside']>,
  { recipe, work, env, target }: Pick<GoRun, 'recipe' | 'work' | 'env'> & { readonly target: string },
): Promise<void> {
  const asked = ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', module];
  const { stdout } = await promisify(execFile)('go', asked, { cwd: recipe, env: { ...env } });
  const kept = join(dirname(target), folder);
  copyFolder(join(stdout.trim(), folder), join(work, folder));
  rmSync(kept, { recursive: true, force: true });
  renameSync(join(work, folder), kept);
}

/** The module cache is read-only; a copy that is read-only too could not be removed. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, copy);
    else if (entry.isFile()) {
      copyFileSync(source, copy);
      chmodSync(copy, 0o644);
    }
  }
}

/** The `go` directive of a go.mod, e.g. `1.26.0`. */
function goVersion(goMod: string): string {
  return goMod.match(/^go (\S+)$/m)?.[1] ?? 'the version named in go.mod';
}

/** Removes the work of builders that were killed; the caller holds the lock, so nobody else builds. */
async function clearAbandoned(target: string): Promise<void> {
  const directory = dirname(target);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(`${basename(target)}.build-`)) continue;
    await endRecorded(join(directory, name));
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

interface GoRun {
  readonly recipe: string;
  readonly work: string;
  readonly context: BuildContext;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal | undefined;
}

/** Runs `go` under a supervisor: a build of minutes must not go on when we are killed. */
async function runGo(args: readonly string[], { recipe, work, context, env, signal }: GoRun): Promise<void> {
  mkdirSync(join(work, 'logs'));
  const supervised = supervise(work, { removeWhenOrphaned: true });
  try {
    // SIGINT, because go then removes its temporary files.
    await supervised.start('go', 'go', args, { cwd: recipe, env, endSignal: 'SIGINT' });
    await Promise.race([supervised.whenEnded('go'), aborted(signal)]);
  } catch (error) {
    if (!(error instanceof ProgramEnded)) throw error;
    if (error.detail.includes('ENOENT')) throw goMissing(context);
    if (error.detail !== 'exit code 0') {
      throw explainBuildFailure(readFileSync(supervised.logPath('go'), 'utf8'), context);
    }
  } finally {
    await supervised.stop({ graceMs: 3_000, remove: false });
  }
}

/** Rejects with the signal's reason; never resolves. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal?.aborted) fail();
    else signal?.addEventListener('abort', fail, { once: true });
  });
}
