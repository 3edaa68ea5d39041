import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedPath } from './cache.ts';
import { PROGRAMS, type ProgramName } from './programs.ts';
import { silentProgress } from './progress.ts';
import { resolvePrograms } from './resolve.ts';

let root: string;
let assets: string;
let cache: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-resolve-'));
  assets = join(root, 'assets');
  cache = join(root, 'cache');
  mkdirSync(assets);
});
afterEach(() => rmSync(root, { recursive: true }));

function place(path: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '', { mode });
  return path;
}

async function origins(names: ProgramName[], env: Record<string, string>): Promise<[string, string][]> {
  const build = () => Promise.resolve('/built');
  const programs = await resolvePrograms(names, { cache, env, progress: silentProgress, build });
  return [...programs.values()].map(({ name, origin }) => [name, origin]);
}

describe('a program', () => {
  it('comes from KUBEBUILDER_ASSETS before the cache', async () => {
    place(join(assets, 'etcd'));
    place(cachedPath(cache, PROGRAMS.etcd));
    expect(await origins(['etcd'], { KUBEBUILDER_ASSETS: assets })).toEqual([['etcd', 'KUBEBUILDER_ASSETS']]);
  });

  it('comes from the cache before a build, and only what is missing is built', async () => {
    place(cachedPath(cache, PROGRAMS.etcd));
    expect(await origins(['etcd', 'kubectl'], {})).toEqual([
      ['etcd', 'cache'],
      ['kubectl', 'build'],
    ]);
  });

  it('falls through where KUBEBUILDER_ASSETS lacks it, as it does for the controller manager', async () => {
    place(join(assets, 'etcd'));
    const found = await origins(['etcd', 'kube-controller-manager'], { KUBEBUILDER_ASSETS: assets });
    expect(found[1]).toEqual(['kube-controller-manager', 'build']);
  });

  it('is not taken from a file that cannot be executed', async () => {
    place(join(assets, 'etcd'), 0o644);
    expect(await origins(['etcd'], { KUBEBUILDER_ASSETS: assets })).toEqual([['etcd', 'build']]);
  });

  it('is refused with a remedy when KUBEBUILDER_ASSETS names no folder', async () => {
    const env = { KUBEBUILDER_ASSETS: join(root, 'nowhere') };
    await expect(origins(['etcd'], env)).rejects.toThrow(/does not exist\. Unset it/);
  });
});
