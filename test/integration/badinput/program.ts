import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder that is also the home of the programs that run in it, so that nothing of the real one counts. */
export interface Place {
  readonly folder: string;
  /** Writes a file there and returns its path. */
  write(name: string, content: string | object): string;
  /** Runs `bin/kriptik` there as a process of its own. */
  kriptik(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Runs `operator/serve.ts` there until it ends. */
  operator(env: Readonly<Record<string, string>>): Promise<Ran>;
}

/** Call at the top of a test file; the folder is removed after its tests. */
export function usePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'kriptik-bad-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> =>
    ranOf(command, args, folder, { PATH: process.env['PATH'] ?? '', HOME: folder, NO_COLOR: '1', ...env });
  return {
    folder,
    write: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
      return path;
    },
    kriptik: (args, env = {}) => run(join(ROOT, 'bin', 'kriptik'), args, env),
    operator: (env) => run(process.execPath, [join(ROOT, 'operator', 'serve.ts')], env),
  };
}

function ranOf(command: string, args: readonly string[], cwd: string, env: Record<string, string>): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.once('error', failed);
    child.once('close', (code) => done({ code, out, err }));
  });
}
