import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { exampleSpec } from '../../../trainer/testing/example-spec.ts';
import type { Instance, LaunchRequest } from '../../backend.ts';
import { until } from '../../testing/until.ts';
import { createLocalBackend, type LocalBackend } from '../index.ts';
import { layoutOf, MARK_DIRECTORY } from '../layout.ts';
import type { LocalOptions } from '../options.ts';
import { type Process, systemProcesses } from '../processes.ts';
import { type ClaimRecord, claimRecord, launchRecord } from '../records.ts';

export const FAKE_TRAINER = fileURLToPath(new URL('../../../../test/support/fake-trainer.ts', import.meta.url));

/** A root of its own with everything a test needs to look at it from outside, and to leave nothing behind. */
export class Bench {
  readonly root: string;
  readonly options: LocalOptions;
  private readonly processes = systemProcesses();

  private constructor(root: string) {
    this.root = root;
    this.options = { root: join(root, 'work'), python: 'python3', trainerCommand: this.command(), maxInstances: 4 };
  }

  static async open(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'kriptik-local-')));
  }

  get storeUri(): string {
    return pathToFileURL(join(this.root, 'store')).href;
  }

  /** The stand-in trainer; runs long unless told otherwise. */
  command(...flags: string[]): string[] {
    return [process.execPath, FAKE_TRAINER, '--total-steps', '100000', ...flags];
  }

  backend(options: Partial<LocalOptions> = {}): LocalBackend {
    return createLocalBackend({ ...this.options, ...options });
  }

  request(name: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
    const job = { namespace: 'team-a', name: 'helpdesk', uid: 'uid-1' };
    return { name, job, token: `token-of-${name}`, spec: exampleSpec(name, this.storeUri), ...more };
  }

  /** A Python whose wall clock passes so many times slower: what must happen within a moment has that much longer. */
  async slowedPython(slowness: number): Promise<string> {
    const path = join(this.root, 'slowed-python');
    const program = [
      'import runpy, sys, time',
      'real = time.time',
      'began = real()',
      `time.time = lambda: began + (real() - began) / ${slowness}`,
      // -c, -I and -S come before the name of what is run.
      'sys.argv = sys.argv[3:]',
      'runpy.run_path(sys.argv[0], run_name="__main__")',
    ].join('\n');
    await writeFile(path, `#!/bin/sh\nexec python3 -I -S -c '${program}' "$@"\n`, { mode: 0o755 });
    return path;
  }

  async claim(name: string): Promise<ClaimRecord> {
    return claimRecord.parse(JSON.parse(await readFile(layoutOf(this.options.root, name).claim, 'utf8')));
  }

  async trainerPid(name: string): Promise<number> {
    return until(`the trainer of ${name} runs`, async () => (await this.claim(name)).trainer?.pid);
  }

  async launchId(name: string): Promise<string> {
    return launchRecord.parse(JSON.parse(await readFile(layoutOf(this.options.root, name).launch, 'utf8'))).id;
  }

  /** Every process of the attempt that carries its mark, the supervisor included. */
  marked(name: string): Promise<Process[]> {
    return this.processes.marked(MARK_DIRECTORY, layoutOf(this.options.root, name).directory);
  }

  async runs(pid: number): Promise<boolean> {
    return (await this.processes.identity(pid)) !== undefined;
  }

  /** A killed process loses its memory, and with it the mark and the group it is found by, a moment before it is gone. */
  gone(pid: number): Promise<true> {
    return until(`process ${pid} is gone`, async () => !(await this.runs(pid)));
  }

  running(backend: LocalBackend, name: string): Promise<Instance> {
    return until(`${name} is running`, async () => {
      const instance = await backend.find(name);
      return instance?.state === 'running' ? instance : undefined;
    });
  }

  exited(backend: LocalBackend, name: string): Promise<Instance> {
    return until(`${name} has exited`, async () => {
      const instance = await backend.find(name);
      return instance?.state === 'exited' ? instance : undefined;
    });
  }

  /** Ends everything that was started here and removes the files. */
  async close(): Promise<void> {
    const backend = this.backend();
    for (const { name } of await backend.list()) {
      await until(`${name} is gone`, async () => {
        await backend.terminate(name, { graceMs: 0 });
        const instance = await backend.find(name);
        return instance === undefined || instance.state === 'exited';
      });
      await backend.release(name);
    }
    await rm(this.root, { recursive: true, force: true });
  }
}
