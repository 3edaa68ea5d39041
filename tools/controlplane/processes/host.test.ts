import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordHost, releaseHost } from './host.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kriptik-host-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('what a run takes of the host', () => {
  it('is given back with all below it, and what was never made is no trouble', async () => {
    const cgroup = join(directory, 'group');
    mkdirSync(join(cgroup, 'pods', 'one'), { recursive: true });
    mkdirSync(join(cgroup, 'pods', 'two'));
    recordHost(directory, { links: ['kriptik-no-such'], cgroups: [cgroup, join(directory, 'never')] });
    await releaseHost(directory);
    expect(existsSync(cgroup)).toBe(false);
    await releaseHost(directory);
  });

  it('is nothing where nothing was noted', async () => {
    await releaseHost(directory);
    expect(existsSync(directory)).toBe(true);
  });
});
