import type {
  Backend,
  ExitReason,
  Instance,
  LaunchRequest,
  MovesHardDeadline,
  RecoversToken,
} from '@kriptik/operator/backends/backend.ts';
import { BackendError, noCapacity, outcomeUnknown } from '@kriptik/operator/backends/errors.ts';
import type { FakeClock, Timer } from '@kriptik/operator/runtime/clock.ts';
import type { SimProcess } from './process.ts';
import type { SimStore } from './store.ts';
import { type Behaviour, SimTrainer } from './trainer.ts';

/** How the place where trainers run behaves. */
export interface Conditions {
  /** From the create call to the trainer's start, ms. */
  readonly startMs: number;
  /** From a kill to the verified absence, ms. */
  readonly killMs: number;
  /** Behaviour of the nth attempt of a job (from 1). */
  behaviour(number: number): Behaviour;
  /** Whether a create call is refused for want of capacity. */
  full(): boolean;
  /** Hears of each creation as it happens. */
  onLaunch(rental: Rental): void;
}

/** One instance as the provider's bill shows it. */
export interface Rental {
  readonly name: string;
  readonly request: LaunchRequest;
  /** Billed from here, epoch ms. */
  readonly createdAt: number;
  /** Step of the newest restorable checkpoint at that moment. */
  readonly restorableStep: number;
  endedAt: number | undefined;
}

interface Running {
  readonly rental: Rental;
  trainer: SimTrainer | undefined;
  exit: Instance['exit'];
  killed: ExitReason | undefined;
  hard: Timer[];
}

/** The trainer is told this long before the hard deadline, ms. */
const HARD_GRACE_MS = 1_500;

/** The trainer serves its protocol this long after its start, ms. */
const LISTEN_MS = 300;

/** A provider with a bill of its own, which the checks believe instead of the operator. */
export class SimProvider {
  readonly bill: Rental[] = [];
  readonly #clock: FakeClock;
  readonly #conditions: Conditions;
  readonly #storeOf: (uri: string) => SimStore;
  readonly #kept = new Map<string, Running>();

  constructor(clock: FakeClock, conditions: Conditions, storeOf: (uri: string) => SimStore) {
    this.#clock = clock;
    this.#conditions = conditions;
    this.#storeOf = storeOf;
  }

  trainerAt(endpoint: string): SimTrainer | undefined {
    return this.#kept.get(endpoint.slice('sim://'.length))?.trainer;
  }

  /** The trainer that runs now, if one does. */
  get runningTrainer(): SimTrainer | undefined {
    return [...this.#kept.values()].find((one) => one.exit === undefined)?.trainer;
  }

  get live(): Rental[] {
    return this.bill.filter((rental) => rental.endedAt === undefined);
  }

  /** What one process of the operator sees of it. */
  backend(process: SimProcess): Backend & RecoversToken & MovesHardDeadline {
    const down = (verb: string) => (): Error => new BackendError('OutcomeUnknown', `${verb}: no answer`);
    const read = <T>(verb: string, value: () => T): Promise<T> =>
      process.call({ target: 'provider', verb, effect: false }, down(verb), value);
    const write = <T>(verb: string, effect: () => T): Promise<T> =>
      process.call({ target: 'provider', verb, effect: true }, down(verb), effect);
    return {
      type: 'local',
      probe: () =>
        read('probe', () => ({ ready: true, capacity: { instances: 1, free: 1 }, gpus: [{ gpu: 'cpu', count: 1 }] })),
      launch: (request) =>
        process.call({ target: 'provider', verb: 'launch', effect: true }, launchFailure, () => this.#launch(request)),
      find: (name) => read('find', () => this.#view(name)),
      list: () => read('list', () => [...this.#kept.keys()].flatMap((name) => this.#view(name) ?? [])),
      terminate: (name, { graceMs }) => write('terminate', () => this.#terminate(name, graceMs, 'terminated')),
      release: (name) => write('release', () => this.#release(name)),
      token: (name) => read('token', () => this.#kept.get(name)?.rental.request.token),
      setHardDeadline: (name, at) => write('setHardDeadline', () => this.#setHard(name, at)),
    };
  }

  #launch(request: LaunchRequest): Instance {
    const known = this.#view(request.name);
    if (known !== undefined) return known;
    if (this.#conditions.full()) throw noCapacity('every slot is taken');
    const { restorableStep } = this.#storeOf(request.spec.store.uri);
    const createdAt = this.#clock.now();
    const rental: Rental = { name: request.name, request, createdAt, restorableStep, endedAt: undefined };
    const running: Running = { rental, trainer: undefined, exit: undefined, killed: undefined, hard: [] };
    this.bill.push(rental);
    this.#conditions.onLaunch(rental);
    this.#kept.set(request.name, running);
    this.#setHard(request.name, request.hardDeadline);
    this.#clock.setTimer(this.#conditions.startMs, () => {
      if (running.exit !== undefined || running.killed !== undefined) return;
      const number = Number(request.name.slice(request.name.lastIndexOf('-') + 1));
      const store = this.#storeOf(request.spec.store.uri);
      const behaviour = this.#conditions.behaviour(number);
      running.trainer = new SimTrainer(request.spec, behaviour, this.#clock, store, (code) =>
        this.#ended(running, code),
      );
    });
    return this.#view(request.name) as Instance;
  }

  #view(name: string): Instance | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined) return undefined;
    const { rental, trainer, exit } = kept;
    const base = { name, id: `sim-${name}`, job: rental.request.job };
    if (exit !== undefined) return { ...base, state: 'exited', startedAt: rental.createdAt, exit };
    const listens = trainer !== undefined && this.#clock.now() >= trainer.startedAt + LISTEN_MS;
    if (!listens) return { ...base, state: 'starting', startedAt: rental.createdAt };
    return { ...base, state: 'running', startedAt: rental.createdAt, endpoint: `sim://${name}` };
  }

  #terminate(name: string, graceMs: number, reason: ExitReason): void {
    const kept = this.#kept.get(name);
    if (kept === undefined || kept.exit !== undefined) return;
    kept.trainer?.signal();
    this.#clock.setTimer(graceMs + this.#conditions.killMs, () => {
      if (kept.exit !== undefined) return;
      kept.killed ??= reason;
      if (kept.trainer === undefined) this.#ended(kept, null);
      else kept.trainer.kill();
    });
  }

  #setHard(name: string, at: number | undefined): void {
    const kept = this.#kept.get(name);
    for (const timer of kept?.hard.splice(0) ?? []) timer.cancel();
    if (kept === undefined || kept.exit !== undefined || at === undefined) return;
    const wait = Math.max(0, at - HARD_GRACE_MS - this.#clock.now());
    kept.hard.push(
      this.#clock.setTimer(wait, () => kept.trainer?.signal()),
      this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
        if (kept.exit !== undefined) return;
        kept.killed = 'hardDeadline';
        if (kept.trainer === undefined) this.#ended(kept, null);
        else kept.trainer.kill();
      }),
    );
  }

  #ended(kept: Running, code: number | null): void {
    if (kept.exit !== undefined) return;
    for (const timer of kept.hard.splice(0)) timer.cancel();
    const at = this.#clock.now();
    kept.rental.endedAt = at;
    const signal = code === null ? 'SIGKILL' : null;
    kept.exit = { code, signal, at, reason: kept.killed ?? 'exited' };
  }

  #release(name: string): void {
    if (this.#kept.get(name)?.exit === undefined && this.#kept.has(name)) {
      throw new BackendError('Misconfigured', `${name} still runs`);
    }
    this.#kept.delete(name);
  }
}

/** A create call without an answer: it may have landed. */
function launchFailure(): Error {
  return outcomeUnknown('launch: the connection was cut');
}
