import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import { ROOT, usePlace } from './program.ts';

const place = usePlace();
const DATA = join(place.folder, 'data');
const started: ChildProcess[] = [];
afterAll(async () => {
  for (const child of started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill('SIGINT');
    await once(child, 'exit');
  }
});

const ARGS = ['up', '--data-dir', DATA, '--work-dir', join(place.folder, 'work')];

/** `kriptik up`, once it is ready; `url` is where its API server listens. */
async function up(): Promise<{ child: ChildProcess; url: string }> {
  const env = { ...process.env, HOME: place.folder, NO_COLOR: '1', KRIPTIK_CACHE: cache(), HF_HUB_OFFLINE: '1' };
  const child = spawn(join(ROOT, 'bin', 'kriptik'), ARGS, {
    cwd: place.folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return await waitFor(
    'kriptik up',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${err}`);
      const [, url] = /Ready\. API server: (\S+)/.exec(out) ?? [];
      return url === undefined ? undefined : { child, url };
    },
    { timeoutMs: 100_000 },
  );
}

/** The real cache: building everything anew is not what is tested. */
function cache(): string {
  return (
    process.env['KRIPTIK_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? '', '.cache'), 'kriptik')
  );
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe('kriptik up', () => {
  it('a second time over the same data says who has it and what to do; the first goes on', async () => {
    const first = await up();
    const second = await place.kriptik(ARGS, { KRIPTIK_CACHE: cache() });
    expect(second.code).toBe(1);
    expect(second.err).toContain('error: another control plane already runs in this folder, started by process ');
    expect(second.err).toContain(`where: ${DATA}\n  fix:   Use the one that runs, or stop it with Ctrl-C`);
    expect(second.err).toContain('kriptik up --data-dir FOLDER');
    expect(second.err).not.toMatch(/\n\s+at |was not expected/);
    expect(first.child.exitCode).toBeNull();
    expect(await stop(first.child)).toBe(0);
  });

  it('takes another port when a program has taken that of last time', async () => {
    const before = await up();
    await stop(before.child);
    const port = Number(new URL(before.url).port);
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const after = await up();
      expect(after.url).not.toBe(before.url);
      // The kubeconfig it wrote leads there.
      const ran = await place.kriptik(['version'], { KUBECONFIG: join(place.folder, '.kriptik', 'kubeconfig') });
      expect(ran.out).toContain('crds        those of');
      expect(await stop(after.child)).toBe(0);
    } finally {
      squatter.close();
    }
  });

  it('in a folder that may not be written says which and what to do', async () => {
    mkdirSync(join(place.folder, 'plain'), { recursive: true });
    const file = place.write('plain/file', '');
    const ran = await place.kriptik(['up', '--data-dir', join(file, 'data')], { KRIPTIK_CACHE: cache() });
    expect(ran.code).not.toBe(0);
    expect(ran.err).toContain(file);
    expect(ran.err).toMatch(/fix: {3}\S/);
    expect(ran.err).not.toMatch(/\n\s+at |was not expected/);
  });
});
