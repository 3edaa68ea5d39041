import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { findTrainer } from '@kriptik/operator/backends/local/trainer-install.ts';
import { bytes } from '../render/duration.ts';
import { type Finding, fail, ok, warn } from './types.ts';

const run = promisify(execFile);

const NODE_MAJOR = 24;

/** The Node that runs this program. */
export function checkNode(version: string): Finding {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  if (major >= NODE_MAJOR) return ok('node', version);
  return fail(
    'node',
    `${version} is too old`,
    `Use Node ${NODE_MAJOR} or later: run "make install" in the checkout, it brings its own.`,
  );
}

/** Free room below which a small training run may not fit, in bytes. */
const MIN_FREE = 2 * 1024 ** 3;

/** Room where trainers work. The folder need not exist yet. */
export async function checkDisk(env: Readonly<Record<string, string | undefined>>): Promise<Finding> {
  const { defaultWorkDir } = await import('@kriptik/operator/provider/local.ts');
  const folder = defaultWorkDir(env);
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  if (free >= MIN_FREE) return ok('disk', `${bytes(free)} free for ${folder}`);
  return fail(
    'disk',
    `only ${bytes(free)} free for ${folder}, 2 GiB are needed`,
    'Free some space, or give the provider another local.workDir.',
  );
}

/** The Python program that trains, where this machine is a provider. */
export async function checkTrainer(
  env: Readonly<Record<string, string | undefined>>,
  source: string,
): Promise<Finding> {
  const install = await findTrainer(env, source);
  const remedy = 'Install it: make trainer. Only needed where this machine trains.';
  if (install === undefined) return warn('trainer', 'not installed on this machine', remedy);
  const [command = '', ...args] = install.trainerCommand;
  try {
    const { stdout } = await run(command, [...args, 'version'], {
      env: { ...env, ...install.trainerEnv },
      timeout: 60_000,
    });
    return ok('trainer', stdout.trim());
  } catch (error) {
    const text =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
    return fail(
      'trainer',
      `${command} does not run it: ${text || (error instanceof Error ? error.message : String(error))}`,
      remedy,
    );
  }
}
