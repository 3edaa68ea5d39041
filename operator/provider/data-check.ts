import { join } from 'node:path';
import type { DataCheck } from '../trainer/check.ts';
import { quickCheck } from '../trainer/quick-check.ts';

/** Folder that holds the trainer's Python package. */
export const TRAINER_SOURCE = join(import.meta.dirname, '..', '..', 'trainer');

/**
 * The trainer's data check on this machine: with its own interpreter where it is installed, else with any Python,
 * which is enough for JSONL and CSV. JSON Lines that are plainly in order need neither.
 */
export function localDataCheck(env: Readonly<Record<string, string | undefined>>): DataCheck {
  return quickCheck(async (uri, format, kind) => {
    // Most plans never come here: what they do not need is not loaded.
    const [{ findTrainer }, { dataCheckOf }] = await Promise.all([
      import('../backends/local/trainer-install.ts'),
      import('../trainer/check.ts'),
    ]);
    const install = await findTrainer(env, TRAINER_SOURCE);
    const check = (python: string): DataCheck => dataCheckOf(python, { ...env, PYTHONPATH: TRAINER_SOURCE });
    if (install === undefined) return await check('python3')(uri, format, kind);
    return await check(install.python)(uri, format, kind).catch((error: NodeJS.ErrnoException) => {
      // An interpreter that is named but not there: its provider says so; the data can be looked at all the same.
      if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
      return check('python3')(uri, format, kind);
    });
  });
}
