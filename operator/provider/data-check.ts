import { join } from 'node:path';
import { findTrainer } from '../backends/local/trainer-install.ts';
import { type DataCheck, dataCheckOf } from '../trainer/check.ts';

/** Folder that holds the trainer's Python package. */
export const TRAINER_SOURCE = join(import.meta.dirname, '..', '..', 'trainer');

/**
 * The trainer's data check on this machine: with its own interpreter where it is installed, else with any Python,
 * which is enough for JSONL and CSV.
 */
export function localDataCheck(env: Readonly<Record<string, string | undefined>>): DataCheck {
  return async (uri, format) => {
    const install = await findTrainer(env, TRAINER_SOURCE);
    return await dataCheckOf(install?.python ?? 'python3', { ...env, PYTHONPATH: TRAINER_SOURCE })(uri, format);
  };
}
