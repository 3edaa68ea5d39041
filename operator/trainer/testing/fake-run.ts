import { createHash } from 'node:crypto';
import { access, appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CheckpointInfo, CheckpointRequest, MetricPoint, TrainerPhase, TrainerStatus } from '../messages.ts';
import { PROTOCOL, type TrainerSpec } from '../spec.ts';
import type { Control } from './control-server.ts';
import { checkpointDirectory, pruneCheckpoints, writeSaved } from './manifest.ts';

export type FakeSettings = {
  /** Duration of a step and of a save, milliseconds. */
  stepMs: number;
  checkpointMs: number;
  /** Steps when the spec names none. */
  totalSteps: number;
  /** Makes no step beyond this one, and does everything else: it waits to be stopped, however long that takes. */
  holdAt?: number;
  /** It waits there only as long as this file exists. */
  holdWhile?: string;
  /** Fails at this step as if the data were wrong. */
  failAt?: number;
  /** Learning rate above which the loss climbs from the middle of the run on. */
  divergeAbove?: number;
  /** Folder that holds the objects of the bucket that an s3:// store names; it is written straight into it. */
  bucketDir?: string;
  log: (line: string) => void;
};

export type Outcome = 'succeeded' | 'frozen' | 'stopped';
type Stop = { reason: CheckpointInfo['reason'] | 'none'; outcome: Outcome };

const MARGIN_MS = 100;
const KEEP = 2;

/** Weights after a step: a hash chain, so that a resumed run equals an undisturbed one or visibly does not. */
const nextWeights = (weights: string, step: number): string =>
  createHash('sha256').update(`${weights}:${step}`).digest('hex');

/** Falls from about 3 to about 0.2 over the run; the same for every run. */
const lossAt = (step: number, total: number): number =>
  Math.round((0.2 + 2.8 * Math.exp((-3 * step) / total)) * 1e4) / 1e4;

/** Climbs back to where it began once half of the steps are made. */
const lossOf = (step: number, total: number, diverges: boolean): number =>
  diverges && step > total / 2
    ? Math.min(3, lossAt(total / 2, total) + (8 * (step - total / 2)) / total)
    : lossAt(step, total);

/** A training run without training: everything that the protocol and the store show of one is real. */
export class FakeRun implements Control {
  readonly spec: TrainerSpec;
  readonly settings: FakeSettings;
  readonly store: string;
  readonly total: number;
  phase: TrainerPhase = 'starting';
  step = 0;
  artifacts: TrainerStatus['artifacts'] = [];
  /** Steps of the two newest checkpoints at which the loss was lower than at any before. */
  private sound: readonly number[] = [];
  private lowest = Number.POSITIVE_INFINITY;
  lastCheckpoint: CheckpointInfo | null = null;
  private weights: string;
  private readonly startedAt = new Date().toISOString();
  private readonly points: MetricPoint[] = [];
  private readonly requests = new Map<string, CheckpointRequest & { stop: boolean }>();
  private newest: string | undefined;
  private deadline: number | null;
  private worstSave = 0;
  private stopping: Stop | undefined;

  constructor(spec: TrainerSpec, settings: FakeSettings) {
    this.spec = spec;
    this.settings = settings;
    this.store = this.folderOf(spec.store.uri);
    this.total = spec.hyperparameters.maxSteps ?? settings.totalSteps;
    this.weights = String(spec.hyperparameters.seed);
    this.deadline = spec.deadline === null ? null : Date.parse(spec.deadline);
  }

  private folderOf(uri: string): string {
    const { bucketDir } = this.settings;
    return bucketDir === undefined ? fileURLToPath(uri) : join(bucketDir, new URL(uri).pathname);
  }

  private uriOf(folder: string): string {
    if (this.settings.bucketDir === undefined) return pathToFileURL(folder).href;
    return this.spec.store.uri.replace(/\/*$/, folder.slice(this.store.length));
  }

  status(): TrainerStatus {
    const request = this.newest === undefined ? undefined : this.requests.get(this.newest);
    const seconds = this.settings.stepMs / 1000;
    return {
      protocol: PROTOCOL,
      job: this.spec.job,
      attempt: this.spec.attempt,
      phase: this.phase,
      startedAt: this.startedAt,
      updatedAt: new Date().toISOString(),
      step: this.step,
      totalSteps: this.total,
      epoch: this.step / this.total,
      loss: this.points.at(-1)?.loss ?? null,
      learningRate: Number(this.spec.hyperparameters.learningRate),
      samplesPerSecond: this.spec.hyperparameters.batchSize / seconds,
      tokensPerSecond: 1000,
      etaSeconds: (this.total - this.step) * seconds,
      secondsPerStep: seconds,
      deadline: this.deadline === null ? null : new Date(this.deadline).toISOString(),
      checkpointSeconds: this.lastCheckpoint === null ? null : this.worstSave / 1000,
      lastCheckpoint: this.lastCheckpoint,
      request: request === undefined ? null : { id: request.id, state: request.state, message: null },
      device: { type: 'cpu', name: 'fake', count: 1 },
      artifacts: this.artifacts,
      error: null,
      warnings: [],
    };
  }

  metrics(since: number, limit: number): { next: number; points: MetricPoint[] } {
    const points = this.points.filter((point) => point.n > since).slice(0, limit);
    return { next: points.at(-1)?.n ?? since, points };
  }

  requestCheckpoint(asked: { id: string; stop: boolean }): CheckpointRequest {
    const known = this.requests.get(asked.id);
    if (known !== undefined) return known;
    const request = { id: asked.id, state: 'pending' as const, checkpoint: null, message: null, stop: asked.stop };
    this.requests.set(asked.id, request);
    this.newest = asked.id;
    return request;
  }

  checkpoint(id: string): CheckpointRequest | undefined {
    return this.requests.get(id);
  }

  cancelCheckpoint(id: string): boolean {
    if (this.requests.get(id)?.state !== 'pending') return false;
    if (this.newest === id) this.newest = undefined;
    return this.requests.delete(id);
  }

  stop(request: { id: string; checkpoint: boolean }): void {
    this.stopping ??= { reason: request.checkpoint ? 'requested' : 'none', outcome: 'stopped' };
  }

  /** SIGTERM. */
  freeze(): void {
    this.stopping ??= { reason: 'signal', outcome: 'frozen' };
  }

  setDeadline(at: number | null): void {
    this.deadline = at;
  }

  private async restore(): Promise<void> {
    const { resume } = this.spec;
    if (resume === null) return;
    const state: unknown = JSON.parse(await readFile(join(this.folderOf(resume.uri), 'state.json'), 'utf8'));
    if (typeof state !== 'object' || state === null || !('weights' in state)) throw new Error('damaged state.json');
    this.weights = String(state.weights);
    this.step = resume.step;
  }

  private async save(reason: CheckpointInfo['reason']): Promise<CheckpointInfo> {
    // What is saved is never replaced: a crash in between would leave nothing.
    if (this.lastCheckpoint?.step === this.step) {
      this.lastCheckpoint = { ...this.lastCheckpoint, reason };
      return this.lastCheckpoint;
    }
    const before = this.phase;
    this.phase = 'checkpointing';
    const started = Date.now();
    await delay(this.settings.checkpointMs);
    const state = JSON.stringify({ step: this.step, weights: this.weights });
    const folder = checkpointDirectory(this.store, this.step);
    const saved = await writeSaved(
      folder,
      'checkpoint',
      { 'state.json': state, 'model/weights.txt': `${this.weights}\n`.repeat(64) },
      { step: this.step, attempt: this.spec.attempt, createdAt: new Date().toISOString() },
    );
    this.noteSound();
    await pruneCheckpoints(this.store, KEEP, [...this.sound, this.spec.resume?.step ?? 0]);
    const took = Date.now() - started;
    this.worstSave = Math.max(this.worstSave, took);
    this.lastCheckpoint = { step: this.step, ...saved, uri: this.uriOf(folder), reason, seconds: took / 1000 };
    this.phase = before;
    this.settings.log(`saved step ${this.step} (${reason})`);
    return this.lastCheckpoint;
  }

  /** What was saved while the loss still fell is kept, for one that goes wrong is seen only later. */
  private noteSound(): void {
    const losses = this.points.slice(-20).map(({ loss }) => loss ?? 0);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    if (!(mean < this.lowest)) return;
    this.lowest = mean;
    this.sound = [...this.sound.slice(-1), this.step];
  }

  private async answerRequests(): Promise<void> {
    for (const request of this.requests.values()) {
      if (request.state !== 'pending') continue;
      request.state = 'writing';
      request.checkpoint = await this.save('requested');
      request.state = 'done';
      if (request.stop) this.stopping ??= { reason: 'none', outcome: 'stopped' };
    }
  }

  /** Of runs that could diverge only those wait that do. */
  private async holds(): Promise<boolean> {
    const { holdAt, holdWhile, divergeAbove } = this.settings;
    if (this.step !== holdAt || (divergeAbove !== undefined && !this.diverges)) return false;
    if (holdWhile === undefined) return true;
    return await access(holdWhile).then(
      () => true,
      () => false,
    );
  }

  private get diverges(): boolean {
    return Number(this.spec.hyperparameters.learningRate) > (this.settings.divergeAbove ?? Number.POSITIVE_INFINITY);
  }

  private async oneStep(): Promise<void> {
    await delay(this.settings.stepMs);
    this.step += 1;
    if (this.step === this.settings.failAt) throw new Error(`asked to fail at step ${this.step}`);
    this.weights = nextWeights(this.weights, this.step);
    const learningRate = Number(this.spec.hyperparameters.learningRate);
    const point: MetricPoint = {
      n: this.step,
      step: this.step,
      time: new Date().toISOString(),
      loss: lossOf(this.step, this.total, this.diverges),
      learningRate,
      gradNorm: 1,
      tokensPerSecond: 1000,
    };
    this.points.push(point);
    await appendFile(join(this.store, 'metrics.jsonl'), `${JSON.stringify(point)}\n`);
    this.settings.log(`step ${this.step}/${this.total} loss ${point.loss}`);
  }

  private async export(): Promise<void> {
    this.phase = 'exporting';
    for (const name of this.spec.outputs) {
      const folder = join(this.store, 'artifacts', name);
      const saved = await writeSaved(
        folder,
        'artifact',
        { 'model.txt': this.weights, 'README.md': `# ${this.spec.card.goal}\n` },
        { step: this.step, attempt: this.spec.attempt, createdAt: new Date().toISOString() },
      );
      const { manifestSha256, sizeBytes } = saved;
      this.artifacts = [...this.artifacts, { name, uri: this.uriOf(folder), manifestSha256, sizeBytes }];
    }
  }

  /** Trains to the end, or until something asks for an earlier one. */
  async run(): Promise<Outcome> {
    for (const part of ['checkpoints', 'artifacts']) await mkdir(join(this.store, part), { recursive: true });
    await this.restore();
    this.phase = 'training';
    while (this.step < this.total) {
      await this.answerRequests();
      const needed = Math.max(this.worstSave, this.settings.checkpointMs) + this.settings.stepMs + MARGIN_MS;
      if (this.deadline !== null && Date.now() >= this.deadline - needed) {
        this.stopping ??= { reason: 'deadline', outcome: 'frozen' };
      }
      if (this.stopping !== undefined) {
        const { reason, outcome } = this.stopping;
        if (reason !== 'none') await this.save(reason);
        this.phase = outcome === 'frozen' ? 'frozen' : 'stopped';
        return outcome;
      }
      if (await this.holds()) {
        await delay(this.settings.stepMs);
        continue;
      }
      await this.oneStep();
      if (this.step % this.spec.hyperparameters.checkpointEverySteps === 0) await this.save('periodic');
    }
    await this.save('final');
    await this.answerRequests();
    await this.export();
    this.phase = 'finished';
    return 'succeeded';
  }
}
