import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive, recordOf } from '../processes/identity.ts';
import { buildProgram } from './build.ts';
import { cachedPath } from './cache.ts';
import { PROGRAMS } from './programs.ts';
import { silentProgress } from './progress.ts';

let root: string;
let cache: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kriptik-build-'));
  cache = join(root, 'cache');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A `go` that notes each call and then runs `script`, in which $out is the file it is to make. */
function fakeGo(script: string): Record<string, string> {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const find = 'while [ "$1" != -o ]; do shift; done; out=$2';
  writeFileSync(join(bin, 'go'), `#!/bin/sh\necho call >> '${root}/calls'\n${find}\n${script}\n`);
  chmodSync(join(bin, 'go'), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
}

const build = (env: Record<string, string>) => buildProgram(PROGRAMS.etcd, { cache, env, progress: silentProgress });
const calls = () => readFileSync(join(root, 'calls'), 'utf8').trim().split('\n').length;

describe('building', () => {
  it('puts the program into the cache and builds once, however many ask at a time', async () => {
    const env = fakeGo('sleep 0.3; echo program > "$out"');
    const paths = await Promise.all([build(env), build(env), build(env)]);
    expect(new Set(paths)).toEqual(new Set([cachedPath(cache, PROGRAMS.etcd)]));
    expect(readFileSync(paths[0] ?? '', 'utf8')).toBe('program\n');
    expect(calls()).toBe(1);
  });

  it('leaves nothing in the cache when it fails', async () => {
    const env = fakeGo('echo half > "$out"; echo "no space left on device" >&2; exit 1');
    await expect(build(env)).rejects.toThrow(/disk is full/);
    const target = cachedPath(cache, PROGRAMS.etcd);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  it('clears the drafts of builders that were killed, and their lock', async () => {
    const target = cachedPath(cache, PROGRAMS.etcd);
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(`${target}.build-abc`);
    writeFileSync(join(`${target}.build-abc`, 'etcd'), 'half');
    writeFileSync(`${target}.lock`, JSON.stringify({ name: 'owner', pid: process.pid, started: 'long ago' }));
    await build(fakeGo('echo program > "$out"'));
    expect(readdirSync(dirname(target))).toEqual(['etcd']);
  });

  it('says that Go is missing, and which is needed', async () => {
    await expect(build({ PATH: join(root, 'empty') })).rejects.toThrow(
      /no `go` on PATH\. Install Go 1\.26\.0 or newer/,
    );
  });

  it('ends with its signal', async () => {
    const env = fakeGo('exec sleep 60');
    const signal = AbortSignal.timeout(200);
    const options = { cache, env, progress: silentProgress, signal };
    await expect(buildProgram(PROGRAMS.etcd, options)).rejects.toThrow(/timeout/);
    expect(readdirSync(dirname(cachedPath(cache, PROGRAMS.etcd)))).toEqual([]);
  });

  it('does not go on when the builder is killed, and leaves only a lock that the next one takes over', async () => {
    const env = fakeGo(`echo $$ > '${root}/pid'; exec sleep 60`);
    const cli = join(import.meta.dirname, '..', 'cli.ts');
    const builder = spawn(process.execPath, [cli, 'build', 'etcd'], {
      env: { ...env, KRIPTIK_CACHE: cache },
      stdio: 'ignore',
    });
    await vi.waitUntil(
      () => existsSync(join(root, 'pid')) && readFileSync(join(root, 'pid'), 'utf8').endsWith('\n'),
      60_000,
    );
    const go = recordOf('go', Number(readFileSync(join(root, 'pid'), 'utf8'))) ?? expect.fail('go is not running');
    builder.kill('SIGKILL');
    await vi.waitUntil(() => !isAlive(go), 60_000);
    const folder = dirname(cachedPath(cache, PROGRAMS.etcd));
    await vi.waitUntil(() => readdirSync(folder).join() === 'etcd.lock', 60_000);
    await build(fakeGo('echo program > "$out"'));
    expect(readdirSync(folder)).toEqual(['etcd']);
  });
});
