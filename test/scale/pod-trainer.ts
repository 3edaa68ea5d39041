import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT } from '@kriptik/operator/trainer/exit.ts';
import type {
  CheckpointInfo,
  CheckpointRequest,
  MetricsPage,
  TrainerPhase,
  TrainerStatus,
} from '@kriptik/operator/trainer/messages.ts';
import type { AttemptResult } from '@kriptik/operator/trainer/result.ts';
import { PROTOCOL, type TrainerSpec } from '@kriptik/operator/trainer/spec.ts';
import type { Control } from '@kriptik/operator/trainer/testing/control-server.ts';

/** A step takes as long, and so does a save, whatever the load: what is measured is the operator. */
const STEP_MS = 1_000;
const SAVE_MS = 1_000;
/** Kept for the end itself when the deadline nears. */
const MARGIN_MS = 500;

/** How a run ended. */
export interface Ending {
  readonly outcome: 'frozen' | 'stopped';
  readonly exitCode: number;
  readonly step: number;
  readonly checkpoint: CheckpointInfo | null;
}

/**
 * A training run of which only the clock is real: steps are reckoned when somebody asks, so that a thousand of them
 * cost next to nothing. Saves are real, straight into the folder of the S3 server, in the layout of docs/checkpoints.md.
 */
export class PodTrainer implements Control {
  readonly token: string;
  readonly #spec: TrainerSpec;
  /** Folder of the bucket, and where in it the job's store is. */
  readonly #bucketDir: string;
  readonly #startedAt = Date.now();
  readonly #firstStep: number;
  readonly #requests = new Map<string, CheckpointRequest & { readonly stop: boolean }>();
  readonly #onEnd: (ending: Ending) => void;
  readonly #periodic: NodeJS.Timeout;
  #newest: string | undefined;
  #phase: TrainerPhase = 'training';
  #last: CheckpointInfo | null = null;
  #deadline: number | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(spec: TrainerSpec, token: string, bucketDir: string, onEnd: (ending: Ending) => void) {
    this.#spec = spec;
    this.token = token;
    this.#bucketDir = bucketDir;
    this.#onEnd = onEnd;
    this.#firstStep = spec.resume?.step ?? 0;
    const stated = spec.deadline === null ? Number.POSITIVE_INFINITY : Date.parse(spec.deadline);
    const counted = this.#startedAt + (spec.deadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const deadline = Math.min(stated, counted);
    this.setDeadline(Number.isFinite(deadline) ? deadline : null);
    this.#periodic = setInterval(() => this.#save('periodic'), spec.hyperparameters.checkpointEverySteps * STEP_MS);
  }

  get #step(): number {
    return this.#firstStep + Math.floor((Date.now() - this.#startedAt) / STEP_MS);
  }

  get #total(): number {
    return this.#spec.hyperparameters.maxSteps ?? 1_000_000;
  }

  status(): TrainerStatus {
    const request = this.#newest === undefined ? undefined : this.#requests.get(this.#newest);
    const step = this.#step;
    const now = Date.now();
    return {
      protocol: PROTOCOL,
      job: this.#spec.job,
      attempt: this.#spec.attempt,
      phase: this.#phase,
      startedAt: new Date(this.#startedAt).toISOString(),
      updatedAt: new Date(now).toISOString(),
      step,
      totalSteps: this.#total,
      epoch: step / this.#total,
      loss: lossAt(step, this.#total),
      learningRate: Number(this.#spec.hyperparameters.learningRate),
      samplesPerSecond: 1,
      tokensPerSecond: 1000,
      etaSeconds: ((this.#total - step) * STEP_MS) / 1000,
      secondsPerStep: STEP_MS / 1000,
      deadline: this.#deadline === undefined ? null : new Date(this.#deadline).toISOString(),
      deadlineSeconds: this.#deadline === undefined ? null : (this.#deadline - now) / 1000,
      checkpointSeconds: this.#last === null ? null : SAVE_MS / 1000,
      lastCheckpoint: this.#last,
      request: request === undefined ? null : { id: request.id, state: request.state, message: null },
      device: { type: 'cpu', name: 'none', count: 1 },
      artifacts: [],
      error: null,
      lastProgressAt:
        step === this.#firstStep ? null : new Date(now - ((now - this.#startedAt) % STEP_MS)).toISOString(),
      warnings: [],
    };
  }

  metrics(since: number, limit: number): MetricsPage {
    const count = Math.max(0, Math.min(limit, this.#step - since));
    const points = Array.from({ length: count }, (_, index) => {
      const n = since + index + 1;
      return {
        n,
        step: n,
        time: new Date(this.#startedAt + (n - this.#firstStep) * STEP_MS).toISOString(),
        loss: lossAt(n, this.#total),
        learningRate: Number(this.#spec.hyperparameters.learningRate),
        gradNorm: 1,
      };
    });
    return { next: points.at(-1)?.n ?? since, points };
  }

  requestCheckpoint({ id, stop }: { id: string; stop: boolean }): CheckpointRequest {
    const known = this.#requests.get(id);
    if (known !== undefined) return known;
    const request = { id, state: 'pending' as const, checkpoint: null, message: null, stop };
    this.#requests.set(id, request);
    this.#newest = id;
    this.#save('requested', request);
    return request;
  }

  checkpoint(id: string): CheckpointRequest | undefined {
    return this.#requests.get(id);
  }

  cancelCheckpoint(id: string): boolean {
    return this.#requests.get(id)?.state === 'pending' && this.#requests.delete(id);
  }

  stop({ checkpoint }: { checkpoint: boolean }): void {
    if (checkpoint) this.#save('requested');
    this.#saving = this.#saving.then(() => this.#end('stopped'));
  }

  setDeadline(at: number | null): void {
    clearTimeout(this.#deadlineTimer);
    this.#deadline = at ?? undefined;
    if (at === null) return;
    // Timers hold 24.8 days; more than that is not near.
    const wait = Math.min(2 ** 31 - 1, Math.max(0, at - Date.now() - SAVE_MS - MARGIN_MS));
    this.#deadlineTimer = setTimeout(() => {
      this.#save('deadline');
      this.#saving = this.#saving.then(() => this.#end('frozen'));
    }, wait);
  }

  /** As SIGKILL. */
  kill(): void {
    this.#ended = true;
    clearTimeout(this.#deadlineTimer);
    clearInterval(this.#periodic);
  }

  #save(reason: CheckpointInfo['reason'], request?: CheckpointRequest & { readonly stop: boolean }): void {
    const save = async (): Promise<void> => {
      if (this.#ended || (request !== undefined && !this.#requests.has(request.id))) return;
      if (request !== undefined) request.state = 'writing';
      this.#phase = 'checkpointing';
      await new Promise((resolve) => setTimeout(resolve, SAVE_MS));
      if (this.#ended) return;
      this.#last = await this.#write(reason);
      this.#phase = 'training';
      if (request === undefined) return;
      Object.assign(request, { state: 'done', checkpoint: this.#last });
      if (request.stop) await this.#end('stopped');
    };
    this.#saving = this.#saving.then(save).catch((error: unknown) => {
      console.error(`${this.#spec.attempt}: ${String(error)}`);
    });
  }

  get #store(): string {
    const { pathname } = new URL(this.#spec.store.uri);
    return join(this.#bucketDir, pathname);
  }

  async #write(reason: CheckpointInfo['reason']): Promise<CheckpointInfo> {
    const step = this.#step;
    const createdAt = new Date().toISOString();
    const name = `step-${String(step).padStart(8, '0')}.${randomBytes(4).toString('hex')}`;
    const contents = { 'state.json': JSON.stringify({ step }), 'model/weights.txt': `${step}\n`.repeat(256) };
    const files = Object.entries(contents).map(([path, text]) => ({
      path,
      size: Buffer.byteLength(text),
      sha256: sha256(text),
    }));
    const { attempt } = this.#spec;
    const manifest = JSON.stringify({ format: 1, kind: 'checkpoint', step, attempt, createdAt, files });
    const folder = join(this.#store, 'checkpoints', name);
    for (const [path, text] of Object.entries(contents)) await put(join(folder, path), text);
    await put(join(folder, 'MANIFEST.json'), manifest);
    return {
      step,
      uri: `${this.#spec.store.uri}/checkpoints/${name}`,
      manifestSha256: sha256(manifest),
      sizeBytes: files.reduce((sum, { size }) => sum + size, 0),
      createdAt,
      reason,
      seconds: SAVE_MS / 1000,
    };
  }

  async #end(outcome: 'frozen' | 'stopped'): Promise<void> {
    if (this.#ended) return;
    this.kill();
    this.#phase = outcome;
    const result: AttemptResult = {
      protocol: PROTOCOL,
      attempt: this.#spec.attempt,
      outcome,
      step: this.#last?.step ?? this.#step,
      totalSteps: this.#total,
      checkpoint: this.#last,
      artifacts: [],
      error: null,
      finishedAt: new Date().toISOString(),
    };
    await put(join(this.#store, 'attempts', this.#spec.attempt, 'result.json'), JSON.stringify(result));
    this.#onEnd({ outcome, exitCode: EXIT[outcome], step: result.step, checkpoint: this.#last });
  }
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function lossAt(step: number, total: number): number {
  return Math.round((0.2 + 2.8 * Math.exp((-3 * step) / total)) * 1e4) / 1e4;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
