import { access, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from './files.ts';

export type TrainerInstall = { python: string; trainerCommand: string[]; trainerEnv: Record<string, string> };

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The environments that `trainer/install.sh` finished, newest first. Empty variables count as unset. */
const installed = async (env: Record<string, string | undefined>): Promise<string[]> => {
  const cache = env['KRIPTIK_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kriptik');
  const directory = join(cache, 'trainer');
  try {
    const whole: { python: string; at: number }[] = [];
    for (const name of await readdir(directory)) {
      const mark = join(directory, name, '.complete');
      if (await exists(mark)) {
        whole.push({ python: join(directory, name, 'bin', 'python'), at: (await stat(mark)).mtimeMs });
      }
    }
    return whole.sort((a, b) => b.at - a.at).map((one) => one.python);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
};

/**
 * How to run the trainer: KRIPTIK_TRAINER_PYTHON if set, else the newest environment that `make trainer` completed.
 * `source` is the directory that holds the package kriptik_trainer. Undefined if there is none to be found.
 */
export const findTrainer = async (
  env: Record<string, string | undefined>,
  source: string,
): Promise<TrainerInstall | undefined> => {
  const python = env['KRIPTIK_TRAINER_PYTHON'] || (await installed(env))[0];
  if (python === undefined) return undefined;
  return { python, trainerCommand: [python, '-m', 'kriptik_trainer'], trainerEnv: { PYTHONPATH: source } };
};
