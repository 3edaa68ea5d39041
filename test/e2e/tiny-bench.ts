import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { stringify } from 'yaml';
import { z } from 'zod';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const KRIPTIK = join(ROOT, 'bin', 'kriptik');
const TRAINER = join(ROOT, 'trainer');
const READY_MS = 240_000;
const PRICED = { timeoutMs: 45_000, everyMs: 500 };
const LARGE = 64 * 1024 * 1024;

/** A provider that trains two at a time here, each on one core. */
const PROVIDER = {
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'ComputeProvider',
  metadata: { name: 'tiny' },
  spec: {
    type: 'local',
    local: { pricePerHour: '0.50', resources: { maxCpus: 1 } },
    limits: { maxInstances: 2 },
  },
};

/** An operator with its control plane, driven by the commands a user would type, and tiny models to train. */
export class TinyBench {
  readonly provider = PROVIDER.metadata.name;
  /** Paths of models and data by their maker. */
  readonly made: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #python: string;
  readonly #up: ChildProcess;

  private constructor(directory: string, python: string, made: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#python = python;
    this.made = made;
    this.#env = {
      ...process.env,
      KRIPTIK_TRAINER_PYTHON: python,
      KUBECONFIG: join(directory, 'kubeconfig'),
      HF_HUB_OFFLINE: '1',
    };
    const folders = ['--data-dir', join(directory, 'cluster'), '--work-dir', join(directory, 'work')];
    this.#up = spawn(KRIPTIK, ['up', ...folders, '--kubeconfig-out', join(directory, 'kubeconfig')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#env,
    });
  }

  /** Makes the models and data named, and starts the operator. */
  static async open(makers: readonly string[]): Promise<TinyBench> {
    const directory = await mkdtemp(join(tmpdir(), 'kriptik-methods-'));
    try {
      return await TinyBench.#openIn(directory, makers);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  static async #openIn(directory: string, makers: readonly string[]): Promise<TinyBench> {
    const { stdout } = await run(join(TRAINER, 'install.sh'), ['--tests'], { maxBuffer: LARGE });
    const python = stdout.trim().split('\n').at(-1) ?? '';
    const args = [join(TRAINER, 'tools', 'make_tiny.py'), '--out', join(directory, 'tiny'), ...new Set(makers)];
    const told = await run(python, args, { maxBuffer: LARGE, env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' } });
    // What libraries print on the way stands before the answer.
    const made = z.record(z.string(), z.string()).parse(JSON.parse(told.stdout.slice(told.stdout.indexOf('{'))));
    const bench = new TinyBench(directory, python, made);
    try {
      await bench.#ready();
      await bench.apply(PROVIDER);
      return bench;
    } catch (error) {
      await bench.close();
      throw error;
    }
  }

  async #ready(): Promise<void> {
    let output = '';
    const ready = Promise.withResolvers<void>();
    for (const stream of [this.#up.stdout, this.#up.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/^\s*Ctrl-C /m.test(output)) ready.resolve();
      });
    }
    this.#up.once('exit', (code) => ready.reject(new Error(`kriptik up ended with exit code ${code}:\n${output}`)));
    const late = setTimeout(() => ready.reject(new Error(`kriptik up was not ready in time:\n${output}`)), READY_MS);
    await ready.promise.finally(() => clearTimeout(late));
  }

  /** One command; resolves with what it printed, and rejects with it where it fails. */
  async kriptik(...args: string[]): Promise<string> {
    try {
      const { stdout } = await run(KRIPTIK, args, { env: this.#env, maxBuffer: LARGE });
      return stdout;
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
      throw new Error(`kriptik ${args.join(' ')}: ${said}`, { cause: error });
    }
  }

  async apply(object: { readonly kind: string; readonly metadata: { readonly name: string } }): Promise<void> {
    const file = join(this.#directory, `${object.kind}-${object.metadata.name}.yaml`);
    await writeFile(file, stringify(object));
    await this.kriptik('apply', '-f', file);
  }

  /** The plan of a goal, once it can be approved. Rejects with what it says where it never can. */
  async priced(goal: string): Promise<TrainingPlan> {
    let last: TrainingPlan | undefined;
    try {
      return await waitFor(
        `a plan of ${goal} to approve`,
        async () => {
          const { status } = await this.#get<TrainingGoal>('goals', goal);
          if (status?.planRef === undefined) return undefined;
          last = await this.#get<TrainingPlan>('plans', status.planRef.name);
          return last.status?.phase === 'AwaitingApproval' ? last : undefined;
        },
        PRICED,
      );
    } catch (error) {
      throw new Error(`${goal}: ${JSON.stringify(last?.status?.conditions)}`, { cause: error });
    }
  }

  async job(goal: string): Promise<TrainingJob> {
    const { jobRef } = (await this.#get<TrainingGoal>('goals', goal)).status ?? {};
    return await this.#get<TrainingJob>('jobs', jobRef?.name ?? '');
  }

  async #get<T>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.kriptik('get', kind, name, '-o', 'json')) as T;
  }

  /** The trainer's own verdict on an artifact: every byte is the one that was committed. Rejects where it is not. */
  async verify(uri: string): Promise<void> {
    await run(this.#python, ['-m', 'kriptik_trainer', 'verify', '--uri', uri], {
      env: { ...process.env, PYTHONPATH: TRAINER },
    });
  }

  /** Ends all that was started. */
  async close(): Promise<void> {
    if (this.#up.exitCode === null) {
      this.#up.kill('SIGINT');
      await once(this.#up, 'exit');
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
