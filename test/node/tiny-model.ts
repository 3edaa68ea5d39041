import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';

const run = promisify(execFile);
const TRAINER = join(import.meta.dirname, '..', '..', 'trainer');

/** The base model that plans choose, and a commit for it. */
const MODEL = 'models--HuggingFaceTB--SmolLM2-135M-Instruct';
const COMMIT = '0'.repeat(40);

/**
 * A Hub cache in which the base model is a small one with random weights: pods are under test here, not what they learn.
 * Resolves with the folder for HF_HUB_CACHE.
 */
export async function tinyModelCache(): Promise<string> {
  const recipe = join(TRAINER, 'tests', 'support', 'tiny.py');
  const hash = createHash('sha256')
    .update(await readFile(recipe))
    .update(MAKE)
    .digest('hex')
    .slice(0, 12);
  const cache = join(cacheRoot(process.env), 'node-tests', hash);
  if (existsSync(join(cache, MODEL, 'refs', 'main'))) return cache;
  const draft = `${cache}.${process.pid}`;
  const snapshot = join(draft, MODEL, 'snapshots', COMMIT);
  await mkdir(snapshot, { recursive: true });
  await mkdir(join(draft, MODEL, 'refs'));
  const installed = await run(join(TRAINER, 'install.sh'), [], { maxBuffer: 64 * 1024 * 1024 });
  const python = installed.stdout.trim().split('\n').at(-1) ?? '';
  await run(python, ['-c', MAKE, snapshot], {
    env: { ...process.env, PYTHONPATH: `${TRAINER}:${join(TRAINER, 'tests')}` },
    maxBuffer: 64 * 1024 * 1024,
  });
  // Weights are written for their owner alone; pods are other users.
  for (const name of await readdir(snapshot)) await chmod(join(snapshot, name), 0o644);
  await writeFile(join(draft, MODEL, 'refs', 'main'), COMMIT);
  await rm(cache, { recursive: true, force: true });
  await rename(draft, cache);
  return cache;
}

const MAKE = `import sys; from pathlib import Path
from support.tiny import build_model
build_model(Path(sys.argv[1]), hidden=256)`;
