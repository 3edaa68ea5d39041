import { describe, expect, it } from 'vitest';
import { cachedPath, cacheRoot } from './cache.ts';
import { PROGRAMS } from './programs.ts';

describe('the cache', () => {
  it.each([
    ['the folder of KRIPTIK_CACHE', { KRIPTIK_CACHE: '/c', XDG_CACHE_HOME: '/x' }, '/c'],
    ['a folder in XDG_CACHE_HOME', { XDG_CACHE_HOME: '/x' }, '/x/kriptik'],
    ['a folder in the home folder', {}, '/home/ann/.cache/kriptik'],
    [
      'a folder in the home folder when the variables are empty',
      { KRIPTIK_CACHE: '', XDG_CACHE_HOME: '' },
      '/home/ann/.cache/kriptik',
    ],
  ])('is %s', (_name, env, want) => {
    expect(cacheRoot(env, '/home/ann')).toBe(want);
  });

  it('keeps versions and platforms apart', () => {
    expect(cachedPath('/c', PROGRAMS.kubectl, 'linux-x64')).toBe(
      `/c/bin/kubernetes-${PROGRAMS.kubectl.version}/linux-x64/kubectl`,
    );
  });
});
