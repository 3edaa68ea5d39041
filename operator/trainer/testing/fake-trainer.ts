import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT } from '../exit.ts';
import type { AttemptResult } from '../result.ts';
import { PROTOCOL, trainerSpecFile } from '../spec.ts';
import { serveControl } from './control-server.ts';
import { FakeRun, type FakeSettings } from './fake-run.ts';

export type FakeOptions = FakeSettings & {
  /** Never opens the control port. */
  silent: boolean;
  /** Ignores SIGTERM, as a trainer that hangs. */
  deaf: boolean;
};

const writeAtomically = async (path: string, value: unknown): Promise<void> => {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, JSON.stringify(value), { flush: true });
  await rename(temporary, path);
};

/** Behaves like `kriptik_trainer run --spec <path>`, without training. Returns the exit code. */
export const runFakeTrainer = async (specPath: string, options: FakeOptions): Promise<number> => {
  const { control, ...spec } = trainerSpecFile.parse(JSON.parse(await readFile(specPath, 'utf8')));
  const run = new FakeRun(spec, options);
  process.on('SIGTERM', () => {
    if (!options.deaf) run.freeze();
  });
  const token = (await readFile(control.tokenFile, 'utf8')).trim();
  const served = options.silent ? undefined : await serveControl(run, token, control.port, control.host);
  if (served !== undefined && control.portFile !== undefined) {
    await writeAtomically(control.portFile, { port: served.port, pid: process.pid });
  }

  const result: AttemptResult = {
    protocol: PROTOCOL,
    attempt: spec.attempt,
    outcome: 'failed',
    step: 0,
    totalSteps: run.total,
    checkpoint: null,
    artifacts: [],
    error: null,
    finishedAt: '',
  };
  let code: number = EXIT.inputError;
  try {
    result.outcome = await run.run();
    code = EXIT[result.outcome];
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    code = full ? EXIT.diskFull : EXIT.inputError;
    result.error = full
      ? { code: 'diskFull', message: 'the disk of the store is full', where: run.store, remedy: 'Free some space.' }
      : { code: 'InputError', message: String(error), where: 'fake', remedy: 'Fix the test.' };
  }
  Object.assign(result, {
    step: run.step,
    checkpoint: run.lastCheckpoint,
    artifacts: run.artifacts,
    finishedAt: new Date().toISOString(),
  });
  // Without room for it the exit code must do.
  await writeAtomically(join(run.store, 'attempts', spec.attempt, 'result.json'), result).catch(() => undefined);
  served?.server.closeAllConnections();
  served?.server.close();
  return code;
};
