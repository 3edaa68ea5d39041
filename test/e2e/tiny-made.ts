import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const TRAINER = join(import.meta.dirname, '..', '..', 'trainer');
const LARGE = 64 * 1024 * 1024;

/** Path of the interpreter that has the trainer and what its tests need, installed if need be. */
export async function trainerPython(): Promise<string> {
  const { stdout } = await run(join(TRAINER, 'install.sh'), ['--tests'], { maxBuffer: LARGE });
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** Makes tiny models and data below the folder `out`; resolves with their paths by maker. */
export async function makeTiny(
  python: string,
  out: string,
  makers: readonly string[],
): Promise<Record<string, string>> {
  const args = [join(TRAINER, 'tools', 'make_tiny.py'), '--out', out, ...new Set(makers)];
  const { stdout } = await run(python, args, { maxBuffer: LARGE, env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' } });
  // What libraries print on the way stands before the answer.
  return z.record(z.string(), z.string()).parse(JSON.parse(stdout.slice(stdout.indexOf('{'))));
}

/** One command of the trainer's own; resolves with what it printed, and rejects where it fails. */
export async function askTrainer(python: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PYTHONPATH: TRAINER };
  const { stdout } = await run(python, ['-m', 'kriptik_trainer', ...args], { maxBuffer: LARGE, env });
  return stdout;
}
