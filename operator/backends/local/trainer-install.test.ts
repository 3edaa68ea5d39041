import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTrainer } from './trainer-install.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-install-'));
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

/** An environment that was completed `minute` minutes after the others began, or is half made. */
async function environment(cache: string, name: string, minute?: number): Promise<string> {
  const folder = join(cache, 'trainer', name);
  await mkdir(folder, { recursive: true });
  if (minute !== undefined) {
    await writeFile(join(folder, '.complete'), '');
    await utimes(join(folder, '.complete'), minute * 60, minute * 60);
  }
  return join(folder, 'bin', 'python');
}

describe('the trainer of this machine', () => {
  it('is the newest that was completed, in the cache that is named', async () => {
    await environment(root, 'cpu-old', 1);
    const newest = await environment(root, 'cpu-new', 2);
    await environment(root, 'cpu-half');
    expect(await findTrainer({ KRIPTIK_CACHE: root, XDG_CACHE_HOME: '/elsewhere' }, '/source')).toEqual({
      python: newest,
      trainerCommand: [newest, '-m', 'kriptik_trainer'],
      trainerEnv: { PYTHONPATH: '/source' },
    });
  });

  it('is looked for beside other caches where none is named, and empty names are none', async () => {
    const python = await environment(join(root, 'kriptik'), 'cpu-1', 1);
    const env = { KRIPTIK_TRAINER_PYTHON: '', KRIPTIK_CACHE: '', XDG_CACHE_HOME: root };
    expect((await findTrainer(env, '/source'))?.python).toBe(python);
  });

  it('is the one that is named, whatever is installed', async () => {
    await environment(root, 'cpu-1', 1);
    const env = { KRIPTIK_TRAINER_PYTHON: '/own/python', KRIPTIK_CACHE: root };
    expect((await findTrainer(env, '/source'))?.python).toBe('/own/python');
  });

  it('is not there where nothing was completed', async () => {
    expect(await findTrainer({ KRIPTIK_CACHE: root }, '/source')).toBeUndefined();
    await environment(root, 'cpu-half');
    expect(await findTrainer({ KRIPTIK_CACHE: root }, '/source')).toBeUndefined();
  });
});
