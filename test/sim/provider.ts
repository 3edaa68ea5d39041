import type {
  Backend,
  ExitReason,
  Instance,
  LaunchRequest,
  MovesHardDeadline,
  RecoversToken,
} from '@kriptik/operator/backends/backend.ts';
import { BackendError, noCapacity, outcomeUnknown } from '@kriptik/operator/backends/errors.ts';
import type { Timer } from '@kriptik/operator/runtime/clock.ts';
import type { SimClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { SimProcess } from './process.ts';
import type { ProviderSetup } from './schedule.ts';
import type { SimStore } from './store.ts';
import { SimTrainer, sound } from './trainer.ts';

/** One instance as the provider's bill shows it. */
export interface Rental {
  readonly name: string;
  readonly provider: string;
  readonly request: LaunchRequest;
  /** Of the goal that the job belongs to. */
  readonly goalUid: string;
  readonly createdAt: number;
  /** Billed from here, epoch ms; undefined while it waits for hardware. */
  billedFrom: number | undefined;
  endedAt: number | undefined;
  /** Its create call landed after the caller had given up. */
  readonly late: boolean;
}

/** What happens at the providers, for the checks that look from outside. */
export interface ProviderListener {
  /** The operator asks for an instance. */
  requested(request: LaunchRequest): void;
  created(rental: Rental): void;
  ended(rental: Rental): void;
  stepped(): void;
}

export interface ProviderWorld {
  readonly clock: SimClock;
  readonly faults: Faults;
  readonly storeAt: (uri: string) => SimStore;
  readonly goalOf: (job: LaunchRequest['job']) => string;
  /** Of all providers, oldest first. */
  readonly bill: Rental[];
  readonly listener: ProviderListener;
}

interface Running {
  readonly rental: Rental;
  trainer: SimTrainer | undefined;
  exit: Instance['exit'];
  /** Until then the provider still says that it runs. */
  reportedAt: number;
  killed: ExitReason | undefined;
  hard: Timer[];
}

/** The trainer is told this long before the hard deadline, ms. */
const HARD_GRACE_MS = 1_500;
/** The trainer serves its protocol this long after its start, ms. */
const LISTEN_MS = 300;
/** A machine that is taken back gets this much notice, and one that is lost is noticed this late, ms. */
const NOTICE_MS = 1_000;
const LOST_MS = 3_000;

/** A provider with a bill of its own, which the checks believe instead of the operator. */
export class SimProvider {
  readonly setup: ProviderSetup;
  readonly #world: ProviderWorld;
  readonly #kept = new Map<string, Running>();

  constructor(setup: ProviderSetup, world: ProviderWorld) {
    this.setup = setup;
    this.#world = world;
    for (const type of ['preempted', 'nodeLost'] as const) {
      for (const fault of world.faults.of(type).filter((one) => one.provider === setup.name)) {
        world.clock.setTimer(fault.at, () => this.#takeAway(type));
      }
    }
  }

  trainer(name: string): SimTrainer | undefined {
    return this.#kept.get(name)?.trainer;
  }

  /** Trainers of a job that train now. */
  trainersOf(jobUid: string): SimTrainer[] {
    return [...this.#kept.values()].flatMap((one) =>
      one.exit === undefined && one.trainer !== undefined && one.rental.request.job.uid === jobUid ? [one.trainer] : [],
    );
  }

  /** What one process of the operator sees of it. */
  backend(process: SimProcess): Backend & RecoversToken & MovesHardDeadline {
    const { clock, listener } = this.#world;
    const down = (verb: string) => (): Error => new BackendError('OutcomeUnknown', `${verb}: no answer`);
    const guarded =
      <T>(verb: string, value: () => T) =>
      (): T => {
        if (this.#world.faults.ofProvider('providerGone', this.setup.name)) throw down(verb)();
        return value();
      };
    const call = <T>(verb: string, effect: boolean, value: () => T): Promise<T> =>
      process.call({ target: 'provider', verb, effect }, down(verb), guarded(verb, value));
    /** Absolute times of the caller's clock, as spans they become the provider's own. */
    const own = (at: number): number => clock.now() + at - process.clock.now();
    return {
      type: 'local',
      probe: () =>
        call('probe', false, () => ({
          ready: true,
          capacity: { instances: this.setup.instances, free: this.setup.instances - this.#live },
          gpus: [{ gpu: 'cpu', count: 1 }],
        })),
      launch: (request) => {
        listener.requested(request);
        const hard = request.hardDeadline === undefined ? undefined : own(request.hardDeadline);
        const asked = clock.now();
        return process.call({ target: 'provider', verb: 'launch', effect: true }, launchFailure, () => {
          if (this.#world.faults.ofProvider('providerGone', this.setup.name)) throw launchFailure();
          return this.#launch(request, hard, clock.now() > asked);
        });
      },
      find: (name) => call('find', false, () => this.#view(name)),
      list: () => call('list', false, () => this.#listed()),
      terminate: (name, { graceMs }) => call('terminate', true, () => this.#terminate(name, graceMs)),
      release: (name) => call('release', true, () => this.#release(name)),
      token: (name) => call('token', false, () => this.#kept.get(name)?.rental.request.token),
      setHardDeadline: (name, at) =>
        call('setHardDeadline', true, () => this.#setHard(name, at === undefined ? undefined : own(at))),
    };
  }

  get #live(): number {
    return [...this.#kept.values()].filter((one) => one.exit === undefined).length;
  }

  #launch(request: LaunchRequest, hard: number | undefined, late: boolean): Instance {
    const { clock, faults, bill, listener } = this.#world;
    const known = this.#view(request.name);
    if (known !== undefined) return known;
    if (this.#live >= this.setup.instances || faults.ofProvider('full', this.setup.name)) {
      throw noCapacity('every slot is taken');
    }
    const createdAt = clock.now();
    const waits = faults.queuedMs(this.setup.name);
    const billedFrom = waits > 0 ? undefined : createdAt;
    const provider = this.setup.name;
    const goalUid = this.#world.goalOf(request.job);
    const rental: Rental = {
      name: request.name,
      provider,
      request,
      goalUid,
      createdAt,
      billedFrom,
      endedAt: undefined,
      late,
    };
    const running: Running = {
      rental,
      trainer: undefined,
      exit: undefined,
      reportedAt: 0,
      killed: undefined,
      hard: [],
    };
    bill.push(rental);
    listener.created(rental);
    this.#kept.set(request.name, running);
    this.#setHard(request.name, hard);
    clock.setTimer(waits, () => {
      if (running.exit !== undefined) return;
      rental.billedFrom ??= clock.now();
      clock.setTimer(this.setup.startMs, () => this.#start(running));
    });
    return this.#view(request.name) as Instance;
  }

  #start(running: Running): void {
    if (running.exit !== undefined || running.killed !== undefined) return;
    const { clock, faults, storeAt, listener } = this.#world;
    const { spec } = running.rental.request;
    running.trainer = new SimTrainer(
      spec,
      { ...sound, ...faults.behaviour() },
      clock,
      storeAt(spec.store.uri),
      (code) => this.#ended(running, code),
      (...step) => listener.stepped(...step),
    );
  }

  #view(name: string): Instance | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined) return undefined;
    const { rental, trainer, exit, reportedAt } = kept;
    const now = this.#world.clock.now();
    const billed = this.setup.tellsBilling && rental.billedFrom !== undefined ? { billedFrom: rental.billedFrom } : {};
    const base = { name, id: `sim-${name}`, job: rental.request.job, startedAt: rental.createdAt, ...billed };
    if (exit !== undefined && now >= reportedAt) return { ...base, state: 'exited', exit };
    if (rental.billedFrom === undefined) {
      const waiting = {
        reason: 'InsufficientCapacity',
        message: 'no machine is free',
        since: rental.createdAt,
      } as const;
      return { ...base, state: 'queued', waiting };
    }
    const listens = trainer !== undefined && now >= trainer.startedAt + LISTEN_MS;
    return listens ? { ...base, state: 'running', endpoint: `sim://${name}` } : { ...base, state: 'starting' };
  }

  #listed(): Instance[] {
    const { faults, clock } = this.#world;
    const hiddenMs = faults.unlistedMs(this.setup.name);
    return [...this.#kept.values()].flatMap(({ rental }) => {
      if (clock.now() - rental.createdAt >= hiddenMs) return this.#view(rental.name) ?? [];
      faults.hit('unlisted');
      return [];
    });
  }

  #terminate(name: string, graceMs: number): void {
    const kept = this.#kept.get(name);
    if (kept === undefined || kept.exit !== undefined) return;
    const deafMs = this.#world.faults.deafMs(this.setup.name);
    this.#world.clock.setTimer(deafMs, () => {
      kept.trainer?.signal();
      const held = kept.rental.billedFrom !== undefined;
      this.#killAfter(kept, held ? graceMs + this.setup.killMs : 0, 'terminated');
    });
  }

  #takeAway(how: 'preempted' | 'nodeLost'): void {
    for (const kept of this.#kept.values()) {
      if (kept.exit !== undefined || kept.rental.billedFrom === undefined) continue;
      this.#world.faults.hit(how);
      if (how === 'preempted') {
        kept.trainer?.signal();
        this.#killAfter(kept, NOTICE_MS, how);
      } else {
        kept.reportedAt = this.#world.clock.now() + LOST_MS;
        kept.killed = how;
        this.#kill(kept);
      }
    }
  }

  #killAfter(kept: Running, ms: number, reason: ExitReason): void {
    this.#world.clock.setTimer(ms, () => {
      if (kept.exit !== undefined) return;
      kept.killed ??= reason;
      this.#kill(kept);
    });
  }

  #kill(kept: Running): void {
    if (kept.trainer === undefined) this.#ended(kept, null);
    else kept.trainer.kill();
  }

  #setHard(name: string, at: number | undefined): void {
    const { clock } = this.#world;
    const kept = this.#kept.get(name);
    for (const timer of kept?.hard.splice(0) ?? []) timer.cancel();
    if (kept === undefined || kept.exit !== undefined || at === undefined) return;
    kept.hard.push(
      clock.setTimer(at - HARD_GRACE_MS - clock.now(), () => kept.trainer?.signal()),
      clock.setTimer(at - clock.now(), () => {
        if (kept.exit !== undefined) return;
        kept.killed = 'hardDeadline';
        this.#kill(kept);
      }),
    );
  }

  #ended(kept: Running, code: number | null): void {
    if (kept.exit !== undefined) return;
    for (const timer of kept.hard.splice(0)) timer.cancel();
    const at = this.#world.clock.now();
    kept.rental.endedAt = at;
    const signal = code === null ? 'SIGKILL' : null;
    kept.exit = { code, signal, at, reason: kept.killed ?? 'exited' };
    this.#world.listener.ended(kept.rental);
  }

  #release(name: string): void {
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.exit === undefined) throw new BackendError('Misconfigured', `${name} still runs`);
    this.#kept.delete(name);
  }
}

/** A create call without an answer: it may have landed. */
function launchFailure(): Error {
  return outcomeUnknown('launch: the connection was cut');
}
