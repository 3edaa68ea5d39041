import type { Timer } from '@kriptik/operator/runtime/clock.ts';
import { EXIT } from '@kriptik/operator/trainer/exit.ts';
import type {
  CheckpointInfo,
  CheckpointRequest,
  TrainerPhase,
  TrainerStatus,
} from '@kriptik/operator/trainer/messages.ts';
import type { AttemptResult } from '@kriptik/operator/trainer/result.ts';
import type { TrainerSpec } from '@kriptik/operator/trainer/spec.ts';
import type { SimClock } from './clock.ts';
import type { SimStore } from './store.ts';

/** How one trainer behaves; steps count from the start of the job. */
export interface Behaviour {
  readonly startupMs: number;
  readonly stepMs: number;
  readonly saveMs: number;
  /** Stops doing anything, deadline and signals included. */
  readonly hangsAt?: number | undefined;
  /** Does not answer any more but trains on and keeps its deadline: the network is down. */
  readonly mutedAt?: number | undefined;
  readonly diesAt?: number | undefined;
  readonly fails?: { readonly at: number; readonly code: string } | undefined;
  /** Runs out of memory. */
  readonly oomAt?: number | undefined;
  readonly ignoresRequests?: boolean | undefined;
  /** Number of the save of this attempt whose files turn out broken. */
  readonly breaksSave?: number | undefined;
  /** Number of the save of this attempt that never becomes whole. */
  readonly losesSave?: number | undefined;
}

/** A trainer that does what it should. */
export const sound: Behaviour = { startupMs: 1_000, stepMs: 1_000, saveMs: 600 };

type Outcome = AttemptResult['outcome'];

interface Ending {
  readonly reason: CheckpointInfo['reason'];
  readonly outcome: Outcome;
  readonly code: number;
}

/** The earlier of what the spec says as a time and as a span from the start. */
function firstDeadline({ deadline, deadlineSeconds }: TrainerSpec, now: number): number | null {
  if (deadline === null) return null;
  const span = deadlineSeconds === undefined ? Number.POSITIVE_INFINITY : now + deadlineSeconds * 1000;
  return Math.min(Date.parse(deadline), span);
}

/** Kept back before the deadline beside a save and a step, ms. */
const MARGIN_MS = 300;

/** A trainer as the control protocol describes it, without the training. */
export class SimTrainer {
  readonly spec: TrainerSpec;
  readonly startedAt: number;
  readonly #behaviour: Behaviour;
  readonly #clock: SimClock;
  readonly #store: SimStore;
  readonly #onExit: (code: number | null) => void;
  #activity: Timer | undefined;
  #alarm: Timer | undefined;
  #deadline: number | null;
  #ending: Ending | undefined;
  #request: TrainerStatus['request'] = null;
  #phase: TrainerPhase = 'starting';
  #last: CheckpointInfo | null = null;
  #saves = 0;
  #step: number;
  #over = false;
  readonly #onStep: () => void;

  constructor(
    spec: TrainerSpec,
    behaviour: Behaviour,
    clock: SimClock,
    store: SimStore,
    onExit: (code: number | null) => void,
    onStep: () => void,
  ) {
    this.spec = spec;
    this.#behaviour = behaviour;
    this.#clock = clock;
    this.#store = store;
    this.#onExit = onExit;
    this.#onStep = onStep;
    this.#step = spec.resume?.step ?? 0;
    this.startedAt = clock.now();
    this.#deadline = firstDeadline(spec, clock.now());
    this.#setAlarm();
    this.#after(behaviour.startupMs, () => this.#begin());
  }

  get step(): number {
    return this.#step;
  }

  get total(): number {
    return this.spec.hyperparameters.maxSteps ?? 20;
  }

  get #hangs(): boolean {
    const { hangsAt } = this.#behaviour;
    return hangsAt !== undefined && this.#step >= hangsAt;
  }

  /** Whether it answers calls. */
  get answers(): boolean {
    const { mutedAt } = this.#behaviour;
    return !this.#over && !this.#hangs && (mutedAt === undefined || this.#step < mutedAt);
  }

  status(): TrainerStatus {
    const { stepMs, saveMs } = this.#behaviour;
    const at = new Date(this.#clock.now()).toISOString();
    const running = this.#phase !== 'starting';
    return {
      protocol: 1,
      job: this.spec.job,
      attempt: this.spec.attempt,
      phase: this.#phase,
      startedAt: new Date(this.startedAt).toISOString(),
      updatedAt: at,
      step: this.#step,
      totalSteps: running ? this.total : null,
      epoch: null,
      loss: running ? 2 - this.#step / 100 : null,
      learningRate: null,
      samplesPerSecond: null,
      tokensPerSecond: null,
      etaSeconds: running ? ((this.total - this.#step) * stepMs) / 1000 : null,
      secondsPerStep: running ? stepMs / 1000 : null,
      deadline: this.#deadline === null ? null : new Date(this.#deadline).toISOString(),
      deadlineSeconds: this.#deadline === null ? null : (this.#deadline - this.#clock.now()) / 1000,
      checkpointSeconds: this.#saves === 0 ? null : saveMs / 1000,
      lastCheckpoint: this.#last,
      request: this.#request,
      device: { type: 'cpu', name: 'sim', count: 1 },
      artifacts: [],
      error: null,
      warnings: [],
    };
  }

  checkpoint(id: string): CheckpointRequest {
    if (this.#request?.id !== id) this.#request = { id, state: 'pending' };
    if (!(this.#behaviour.ignoresRequests ?? false)) this.#end({ reason: 'requested', outcome: 'stopped', code: 11 });
    return { id, state: this.#request.state };
  }

  /** Withdrawn only while the step under way was not saved for it. */
  cancelCheckpoint(id: string): boolean {
    const pending = this.#request?.id === id && this.#request.state === 'pending';
    if (!pending || this.#phase === 'checkpointing' || this.#ending?.reason !== 'requested') return false;
    this.#request = null;
    this.#ending = undefined;
    return true;
  }

  setDeadlineIn(seconds: number | null): number | null {
    this.#deadline = seconds === null ? null : this.#clock.now() + seconds * 1000;
    this.#setAlarm();
    return this.#deadline;
  }

  /** SIGTERM. */
  signal(): void {
    if (!this.#hangs) this.#end({ reason: 'signal', outcome: 'frozen', code: 10 });
  }

  /** SIGKILL. */
  kill(): void {
    this.#exit(null);
  }

  #begin(): void {
    if (this.#ending !== undefined) this.#finish(this.#ending, this.#last);
    else if (this.#step >= this.total) this.#complete();
    else this.#train();
  }

  #train(): void {
    this.#phase = 'training';
    this.#after(this.#behaviour.stepMs, () => this.#stepped());
  }

  #stepped(): void {
    this.#step += 1;
    this.#onStep();
    const { diesAt, oomAt, fails } = this.#behaviour;
    if (this.#hangs) this.#stall();
    else if (diesAt === this.#step) this.#exit(null);
    else if (oomAt === this.#step) this.#exit(EXIT.outOfMemory);
    else if (fails?.at === this.#step) this.#fail(fails.code);
    else if (this.#ending !== undefined) this.#saveAndFinish(this.#ending);
    else if (this.#step >= this.total) this.#save('final', () => this.#complete());
    else if (this.#step % this.spec.hyperparameters.checkpointEverySteps === 0) this.#savePeriodically();
    else this.#train();
  }

  #savePeriodically(): void {
    this.#save('periodic', () => {
      if (this.#ending === undefined) this.#train();
      else this.#finish(this.#ending, this.#last);
    });
  }

  #stall(): void {
    this.#activity?.cancel();
    this.#alarm?.cancel();
  }

  #save(reason: CheckpointInfo['reason'], then: () => void): void {
    this.#phase = 'checkpointing';
    this.#after(this.#behaviour.saveMs, () => {
      this.#saves += 1;
      const { breaksSave, losesSave, saveMs } = this.#behaviour;
      if (this.#saves !== losesSave && !this.#store.gone) {
        const intact = this.#saves !== breaksSave;
        const keep = this.spec.resume?.manifestSha256;
        this.#last = this.#store.save(this.spec.attempt, this.#step, reason, saveMs / 1000, intact, keep);
      }
      then();
    });
  }

  #saveAndFinish(ending: Ending): void {
    if (this.#request?.state === 'pending') this.#request = { ...this.#request, state: 'writing' };
    this.#save(ending.reason, () => this.#finish(ending, this.#last));
  }

  #complete(): void {
    this.#phase = 'exporting';
    this.#after(this.#behaviour.saveMs, () => {
      if (this.#ending !== undefined) {
        this.#finish(this.#ending, this.#last);
        return;
      }
      if (this.#store.gone) {
        this.#complete();
        return;
      }
      this.#store.publish(this.spec.attempt, this.#step, 'adapter');
      this.#finish({ reason: 'final', outcome: 'succeeded', code: 0 }, this.#last);
    });
  }

  #fail(code: string): void {
    this.#result('failed', null, {
      code,
      message: `the trainer failed with ${code}`,
      where: null,
      remedy: 'try again',
    });
    this.#exit(code === 'internal' ? 30 : 20);
  }

  /** The first reason to end stands; the work is saved at the next step. */
  #end(ending: Ending): void {
    this.#ending ??= ending;
  }

  #finish(ending: Ending, checkpoint: CheckpointInfo | null): void {
    if (this.#request !== null) this.#request = { ...this.#request, state: 'done' };
    this.#result(ending.outcome, checkpoint, null);
    this.#exit(ending.code);
  }

  #result(outcome: Outcome, checkpoint: CheckpointInfo | null, error: AttemptResult['error']): void {
    if (this.#store.gone) return;
    this.#store.results.set(this.spec.attempt, {
      protocol: 1,
      attempt: this.spec.attempt,
      outcome,
      step: this.#step,
      totalSteps: this.total,
      checkpoint,
      artifacts: [],
      error,
      finishedAt: new Date(this.#clock.now()).toISOString(),
    });
  }

  #exit(code: number | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#stall();
    this.#onExit(code);
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    if (this.#deadline === null) return;
    const { saveMs, stepMs } = this.#behaviour;
    const at = this.#deadline - 1.2 * saveMs - stepMs - MARGIN_MS;
    this.#alarm = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () =>
      this.#end({ reason: 'deadline', outcome: 'frozen', code: 10 }),
    );
  }

  #after(ms: number, fn: () => void): void {
    this.#activity?.cancel();
    this.#activity = this.#clock.setTimer(ms, () => {
      if (!this.#over) fn();
    });
  }
}
