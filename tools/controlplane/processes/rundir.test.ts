import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRunDirectory, DirectoryInUse, openDataDirectory } from './rundir.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-rundir-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a temporary run directory', () => {
  it('is for this user alone and gone after its release', async () => {
    const directory = await createRunDirectory(join(root, 'runs'), Date.now());
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
    directory.release();
    expect(existsSync(directory.path)).toBe(false);
  });

  it('keeps only the logs after a failure', async () => {
    const directory = await createRunDirectory(join(root, 'runs'), Date.now());
    mkdirSync(join(directory.path, 'pki'));
    writeFileSync(join(directory.path, 'logs', 'etcd.log'), 'why');
    directory.keepLogs();
    expect(readdirSync(directory.path).sort()).toEqual(['kept', 'logs']);
  });

  it('is not made inside a link that somebody else may have put there', async () => {
    symlinkSync(tmpdir(), join(root, 'runs'));
    await expect(createRunDirectory(join(root, 'runs'), Date.now())).rejects.toThrow(/not a folder of this user/);
  });
});

describe('a data directory', () => {
  it('is refused while a live process owns it, naming the way to use it', async () => {
    const first = await openDataDirectory(join(root, 'data'));
    await expect(openDataDirectory(join(root, 'data'))).rejects.toThrow(DirectoryInUse);
    await expect(openDataDirectory(join(root, 'data'))).rejects.toThrow(/KUBECONFIG=.*data\/kubeconfig/);
    first.release();
  });

  it('keeps its content and can be opened again after its release', async () => {
    const first = await openDataDirectory(join(root, 'data'));
    writeFileSync(join(first.path, 'kept'), '');
    first.release();
    const second = await openDataDirectory(join(root, 'data'));
    expect(existsSync(join(second.path, 'kept'))).toBe(true);
    second.release();
  });
});
