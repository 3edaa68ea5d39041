import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CLIENT_VERSION } from './version.ts';

const bin = fileURLToPath(new URL('../bin', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kriptik-bin-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bin/kriptik', () => {
  it.each(['kriptik', 'kubectl-kriptik'])('%s runs through a symbolic link from any folder', (name) => {
    const link = join(folder, name);
    symlinkSync(join(bin, name), link);
    const out = execFileSync(link, ['version', '--client'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    });
    expect(out).toContain(`kriptik     ${CLIENT_VERSION} (Node v`);
  });

  const example = fileURLToPath(new URL('../examples/quickstart/goal.yaml', import.meta.url));
  it.each([['version', '--client'], ['help'], ['completion', 'bash'], ['plan', '-q', '--offline', '-f', example]])(
    '%s does not wait for the client of the API server',
    (...args) => {
      const hook = `import{registerHooks}from"node:module";registerHooks({resolve(s,c,n){if(/client-node|undici|zod/.test(s))throw new Error("loads "+s);return n(s,c)}})`;
      const { status, stderr } = spawnSync(join(bin, 'kriptik'), args, {
        encoding: 'utf8',
        env: {
          PATH: '/usr/bin:/bin',
          HOME: folder,
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
        },
      });
      expect([status, stderr]).toEqual([0, '']);
    },
  );

  it('says what to do when there is no Node that can run it', () => {
    const root = join(folder, 'checkout');
    mkdirSync(join(root, 'bin'), { recursive: true });
    const old = join(folder, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'node'), '#!/bin/sh\necho 20\n', { mode: 0o755 });
    execFileSync('cp', [join(bin, 'kriptik'), join(root, 'bin', 'kriptik')]);
    const { status, stderr } = spawnSync(join(root, 'bin', 'kriptik'), [], {
      encoding: 'utf8',
      env: { PATH: `${old}:/usr/bin:/bin` },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('needs Node.js 24 or later');
    expect(stderr).toContain('make install');
  });

  it('passes exit codes on, and ends quietly when its output is cut', () => {
    expect(spawnSync(join(bin, 'kriptik'), ['nonsense'], { env: { PATH: '/usr/bin:/bin', HOME: folder } }).status).toBe(
      2,
    );
    const cut = spawnSync('sh', ['-c', `"${join(bin, 'kriptik')}" help | head -1`], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    });
    expect([cut.stdout, cut.stderr]).toEqual(['Usage: kriptik [options] [command]\n', '']);
    // The reader of the messages is gone before the program has anything to say.
    const unread = spawnSync('bash', ['-c', `exec 3> >(:); wait $!; "${join(bin, 'kriptik')}" nonsense 2>&3`], {
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    });
    expect(unread.status).toBe(2);
  });
});
