import type { Checkpoint, TrainingJob } from '@kriptik/crds';
import type { Instance } from '@kriptik/operator/backends/backend.ts';
import { defaultJobSettings } from '@kriptik/operator/job/settings.ts';
import type { JobObserved, ProviderView, StoreView, TrainerView } from '@kriptik/operator/job/types.ts';
import type { TrainerStatus } from '@kriptik/operator/trainer/messages.ts';
import type { AttemptResult } from '@kriptik/operator/trainer/result.ts';
import { makeJob, START, time } from './builders.ts';

const EMPTY: StoreView = { checkpoints: [], artifacts: [], problems: [] };

/** What a job's decision looks at, under construction. */
export class ObservedBuilder {
  #observed: JobObserved;

  constructor(job: TrainingJob) {
    this.#observed = {
      now: START,
      job,
      goal: { suspended: false, limit: '5.00', alertAt: 80, warnAt: 95 },
      approval: { approved: true },
      providers: [readyProvider()],
      instance: undefined,
      trainer: undefined,
      store: EMPTY,
      settings: defaultJobSettings,
    };
  }

  with(change: Partial<JobObserved>): this {
    this.#observed = { ...this.#observed, ...change };
    return this;
  }

  /** So many seconds after the start. */
  at(seconds: number): this {
    return this.with({ now: START + seconds * 1000 });
  }

  goal(change: Partial<NonNullable<JobObserved['goal']>>): this {
    const goal = this.#observed.goal ?? { suspended: false, limit: '5.00', alertAt: 80, warnAt: 95 };
    return this.with({ goal: { ...goal, ...change } });
  }

  /** The newest attempt's instance, as its provider shows it. */
  instance(state: Instance['state'], change: Partial<Instance> = {}): this {
    const name = this.#observed.job.status?.attempts?.at(-1)?.name ?? 'none';
    const job = { namespace: 'team', name: this.#observed.job.metadata.name, uid: this.#observed.job.metadata.uid };
    const exit = { code: 0, signal: null, at: this.#observed.now, reason: 'exited' as const };
    const base: Instance = { name, id: '4711', job, state, ...(state === 'exited' ? { exit } : {}) };
    return this.with({ instance: { ...base, ...change } });
  }

  /** A trainer that answers. */
  trains(change: Partial<TrainerStatus> = {}): this {
    const endpoint = 'http://127.0.0.1:40123';
    if (this.#observed.instance === undefined) this.instance('running', { endpoint });
    return this.with({ trainer: { status: trainerStatus(change) } });
  }

  silent(why = 'timed out'): this {
    const trainer: TrainerView = { unreachable: why };
    if (this.#observed.instance === undefined) this.instance('running');
    return this.with({ trainer });
  }

  /** A verified checkpoint. */
  saved(step: number): this {
    const latest = checkpoint(step);
    return this.with({ store: { ...this.#observed.store, latest, checkpoints: [latest] } });
  }

  /** How the newest attempt says it ended. */
  result(outcome: AttemptResult['outcome'], change: Partial<AttemptResult> = {}): this {
    const attempt = this.#observed.job.status?.attempts?.at(-1)?.name ?? 'none';
    const base = { protocol: 1, attempt, outcome, step: 40, totalSteps: 300, checkpoint: null, artifacts: [] };
    const result: AttemptResult = { ...base, error: null, finishedAt: time(0), ...change };
    return this.with({ store: { ...this.#observed.store, result } });
  }

  obj(): JobObserved {
    return this.#observed;
  }
}

export function makeObserved(job: TrainingJob = makeJob().obj()): ObservedBuilder {
  return new ObservedBuilder(job);
}

export function readyProvider(change: Partial<ProviderView> = {}): ProviderView {
  return { name: 'here', ready: true, reason: 'Ready', message: '', unitPricePerHour: '6.00', ...change };
}

export function checkpoint(step: number): Checkpoint {
  const manifestSha256 = step.toString(16).padStart(64, '0');
  const uri = `file:///store/checkpoints/step-${String(step).padStart(8, '0')}`;
  const made = {
    createdAt: time(step),
    verifiedAt: time(step),
    reason: 'Periodic',
    attempt: 'kriptik-0e5a1c3e-1',
  } as const;
  return { step, uri, manifestSha256, sizeBytes: 1_000, ...made };
}

export function trainerStatus(change: Partial<TrainerStatus> = {}): TrainerStatus {
  return {
    protocol: 1,
    job: 'team/faq',
    attempt: 'kriptik-0e5a1c3e-1',
    phase: 'training',
    startedAt: time(0),
    updatedAt: time(0),
    step: 40,
    totalSteps: 300,
    epoch: 0.4,
    loss: 1.8,
    learningRate: 0.0002,
    samplesPerSecond: null,
    tokensPerSecond: 310,
    etaSeconds: 260,
    secondsPerStep: 1,
    deadline: null,
    checkpointSeconds: 2,
    lastCheckpoint: null,
    request: null,
    device: null,
    artifacts: [],
    error: null,
    warnings: [],
    ...change,
  };
}
