import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type TrainingGoal,
  TrainingGoalResource,
  type TrainingJob,
  TrainingJobResource,
  type TrainingPlan,
  TrainingPlanResource,
} from '@kriptik/crds';
import { loadKubeConfig } from '@kriptik/operator/runtime/kubeconfig.ts';
import { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import { stringify } from 'yaml';
import { waitFor } from '../support/wait.ts';
import { STAGED_CASE } from './tiny-cases.ts';
import { askTrainer, makeTiny, trainerPython } from './tiny-made.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const KRIPTIK = join(ROOT, 'bin', 'kriptik');
const READY_MS = 240_000;
const PRICED = { timeoutMs: 120_000, everyMs: 100 };
/** What makes steps last; see there. */
const SLOW = join(ROOT, 'test', 'support', 'slow');
const LARGE = 64 * 1024 * 1024;
const NAMESPACE = 'default';

/** A provider that trains several at a time here, each on one core. */
const PROVIDER = {
  apiVersion: 'training.kriptik.ai/v1alpha1',
  kind: 'ComputeProvider',
  metadata: { name: 'tiny' },
  spec: {
    type: 'local',
    local: { pricePerHour: '0.50', resources: { maxCpus: 1 } },
    limits: { maxInstances: 3 },
  },
};

/** An operator with its control plane, driven by the commands a user would type, and tiny models to train. */
export class TinyBench {
  readonly provider = PROVIDER.metadata.name;
  /** Paths of models and data by their maker. */
  readonly made: Readonly<Record<string, string>>;
  readonly #operator: Operator;
  readonly #client: KubeClient;

  private constructor(operator: Operator, made: Readonly<Record<string, string>>) {
    this.#operator = operator;
    this.made = made;
    this.#client = KubeClient.fromKubeConfig(loadKubeConfig({ path: operator.kubeconfig }), {
      userAgent: 'kriptik-test',
    });
  }

  /** Makes the models and data named while the operator starts. */
  static async open(makers: readonly string[]): Promise<TinyBench> {
    const directory = await mkdtemp(join(tmpdir(), 'kriptik-methods-'));
    const operator = new Operator(directory, await trainerPython());
    try {
      const [made] = await Promise.all([makeTiny(operator.python, join(directory, 'tiny'), makers), operator.ready()]);
      const bench = new TinyBench(operator, made);
      await bench.apply(PROVIDER);
      return bench;
    } catch (error) {
      await operator.close();
      throw error;
    }
  }

  /** One command; resolves with what it printed, and rejects with it where it fails. */
  async kriptik(...args: string[]): Promise<string> {
    try {
      const { stdout } = await run(KRIPTIK, args, { env: this.#operator.env, maxBuffer: LARGE });
      return stdout;
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
      throw new Error(`kriptik ${args.join(' ')}: ${said}`, { cause: error });
    }
  }

  async apply(object: { readonly kind: string; readonly metadata: { readonly name: string } }): Promise<void> {
    const file = join(this.#operator.directory, `${object.kind}-${object.metadata.name}.yaml`);
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
          const { status } = await this.#goal(goal);
          if (status?.planRef === undefined) return undefined;
          const plans = this.#client.resource(TrainingPlanResource);
          last = await plans.get({ namespace: NAMESPACE, name: status.planRef.name });
          return last.status?.phase === 'AwaitingApproval' ? last : undefined;
        },
        PRICED,
      );
    } catch (error) {
      throw new Error(`${goal}: ${JSON.stringify(last?.status?.conditions)}`, { cause: error });
    }
  }

  async job(goal: string): Promise<TrainingJob> {
    const { jobRef } = (await this.#goal(goal)).status ?? {};
    return await this.#client.resource(TrainingJobResource).get({ namespace: NAMESPACE, name: jobRef?.name ?? '' });
  }

  async #goal(name: string): Promise<TrainingGoal> {
    return await this.#client.resource(TrainingGoalResource).get({ namespace: NAMESPACE, name });
  }

  /** The trainer's own verdict on an artifact: every byte is the one that was committed. Rejects where it is not. */
  async verify(uri: string): Promise<void> {
    await askTrainer(this.#operator.python, 'verify', '--uri', uri);
  }

  /** Ends all that was started. */
  async close(): Promise<void> {
    await this.#client.close();
    await this.#operator.close();
  }
}

/** `kriptik up`, with all it writes in one directory that goes with it. */
class Operator {
  readonly directory: string;
  readonly python: string;
  readonly kubeconfig: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #up: ChildProcess;

  constructor(directory: string, python: string) {
    this.directory = directory;
    this.python = python;
    this.kubeconfig = join(directory, 'kubeconfig');
    const trainer = join(directory, 'python');
    writeFileSync(trainer, `#!/bin/sh\nPYTHONPATH='${SLOW}':"$PYTHONPATH" exec '${python}' "$@"\n`, { mode: 0o755 });
    this.env = {
      ...process.env,
      KRIPTIK_TRAINER_PYTHON: trainer,
      KRIPTIK_TRAINER_SLOW: `0.2 ${STAGED_CASE.example}`,
      KUBECONFIG: this.kubeconfig,
      HF_HUB_OFFLINE: '1',
    };
    const folders = ['--data-dir', join(directory, 'cluster'), '--work-dir', join(directory, 'work')];
    this.#up = spawn(KRIPTIK, ['up', ...folders, '--kubeconfig-out', this.kubeconfig], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.env,
    });
  }

  async ready(): Promise<void> {
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

  async close(): Promise<void> {
    if (this.#up.exitCode === null) {
      this.#up.kill('SIGINT');
      await once(this.#up, 'exit');
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
