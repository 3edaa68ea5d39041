import { setImmediate } from 'node:timers/promises';
import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { admission } from './admission.ts';
import { SimApiServer } from './api-server.ts';
import { SimClock } from './clock.ts';
import { Faults } from './faults.ts';
import { Invariants, type Violation } from './invariants.ts';
import { OPERATOR } from './kube.ts';
import { goalSpec, objectOf, providerSpec } from './objects.ts';
import { SECRET, startOperator, storeUri } from './operator.ts';
import { simParser } from './parser.ts';
import { People } from './people.ts';
import { SimProcess } from './process.ts';
import { type Rental, SimProvider } from './provider.ts';
import type { Schedule } from './schedule.ts';
import { SimStore } from './store.ts';
import { summaryOf } from './summary.ts';
import type { SimTrainer } from './trainer.ts';

/** What came of one run. */
export interface Report {
  readonly end: string;
  readonly broken: readonly Violation[];
  /** Calls with an effect outside that the operator made. */
  readonly effects: number;
  /** How many instances were created. */
  readonly launches: number;
  /** Virtual. */
  readonly tookMs: number;
  /** How often each kind of fault struck, and each kind of deed was done. */
  readonly hits: Readonly<Record<string, number>>;
  /** What happened, for people who look for the cause; empty unless asked for. */
  readonly story: readonly string[];
}

const TICK_MS = 1_000;
/** Nothing changed for this long after the last deed: the run has come to rest. Longer than any wait of the operator. */
const QUIET_MS = 25_000;
/** At rest: as long again as the slowest probe. */
const REST_MS = 70_000;
const LIMIT_MS = 900_000;
/** Work that is kept at a price crosses a line now and then: a job and its goal tell of an alert, a warning, the end. */
const STORED_WRITES = 8;

/** A cluster, its providers, the people around it, and an operator that may die at any moment. */
export class World {
  readonly #schedule: Schedule;
  readonly #clock = new SimClock();
  readonly #faults: Faults;
  readonly #server: SimApiServer;
  readonly #stores = new Map<string, SimStore>();
  readonly #providers: ReadonlyMap<string, SimProvider>;
  readonly #bill: Rental[] = [];
  readonly #people: People;
  readonly #invariants: Invariants;
  readonly #story: string[] | undefined;
  #processes: SimProcess[] = [];
  #skewMs = 0;
  #effects = 0;
  #written = 0;
  /** Whether an amendment waited for a decision. */
  #amended = false;

  constructor(schedule: Schedule, options: { readonly story?: boolean } = {}) {
    this.#schedule = schedule;
    this.#story = options.story === true ? [] : undefined;
    this.#faults = new Faults(schedule.faults, this.#clock);
    this.#server = new SimApiServer(this.#clock, admission);
    const storeAt = (uri: string): SimStore => this.#storeAt(uri);
    this.#invariants = new Invariants({
      schedule,
      server: this.#server,
      clock: this.#clock,
      faults: this.#faults,
      bill: this.#bill,
      storesOf: (uid) => schedule.providers.map(({ name }) => storeAt(storeUri(name, uid))),
    });
    const around = {
      clock: this.#clock,
      faults: this.#faults,
      storeAt,
      bill: this.#bill,
      goalOf: ({ namespace, name }: { namespace: string; name: string }) => {
        const job = this.#server.find('trainingjobs', `${namespace}/${name}`) as TrainingJob | undefined;
        return job?.spec.goalRef.uid ?? '';
      },
      listener: {
        requested: (request: Rental['request']) => this.#invariants.requested(request),
        created: (rental: Rental) => {
          const from = rental.request.spec.resume?.step ?? 0;
          this.#tell(
            () => `${rental.provider}: ${rental.name} is created${rental.late ? ' late' : ''}, from step ${from}`,
          );
          this.#invariants.created(rental);
        },
        ended: (rental: Rental) => {
          this.#tell(() => `${rental.provider}: ${rental.name} is gone`);
          this.#invariants.ended();
        },
        stepped: () => this.#people.look(),
      },
    };
    this.#providers = new Map(schedule.providers.map((setup) => [setup.name, new SimProvider(setup, around)]));
    this.#people = new People({
      schedule,
      server: this.#server,
      clock: this.#clock,
      trainersOf: (uid) => this.#trainersOf(uid),
      tell: (text) => this.#tell(() => text),
      hit: (kind) => this.#faults.hit(kind),
    });
  }

  async run(): Promise<Report> {
    // The run itself never waits for the event loop: whoever shares the thread gets a turn before.
    await setImmediate();
    this.#populate();
    this.#arrange();
    this.#boot();
    await this.#clock.advance(0);
    const settled = await this.#untilQuiet();
    if (settled) {
      // What the last faults left behind may still be put right; after that nothing has a reason to change.
      this.#faults.end();
      await this.#clock.advance(REST_MS);
      const before = this.#written;
      await this.#clock.advance(REST_MS);
      const restless = this.#written - before;
      if (restless > (this.#isMetered ? STORED_WRITES : 0))
        this.#invariants.breaks('quiet', `${restless} writes at rest: ${this.#lastWrites(restless)}`);
      this.#invariants.settled();
    } else {
      const last = this.#lastWrites(3);
      this.#invariants.breaks('quiet', `not at rest after ${LIMIT_MS / 1000} s; the last writes: ${last}`);
    }
    for (const process of this.#processes) process.kill();
    const end = summaryOf(this.#server, (uid) =>
      this.#schedule.providers.some(({ name }) => this.#storeAt(storeUri(name, uid)).artifacts.length > 0),
    );
    const { end: wanted, lateEnd } = this.#schedule;
    if (wanted !== undefined && end !== wanted && end !== lateEnd) {
      this.#invariants.breaks('same end', `it ended with "${end}" and should have with "${wanted}"`);
    }
    return {
      end,
      broken: this.#invariants.broken,
      effects: this.#effects,
      launches: this.#bill.length,
      tookMs: this.#clock.now() - this.#clock.start,
      hits: Object.fromEntries(this.#faults.hits),
      story: this.#story ?? [],
    };
  }

  #populate(): void {
    const { goals, policy, providers } = this.#schedule;
    this.#server.onChange((plural, { type, object }) => {
      const write = this.#server.writes.at(-1);
      if (write === undefined) return;
      if (write.by === OPERATOR) this.#written += 1;
      this.#invariants.wrote(write);
      this.#tell(() => {
        const { phase = '', attempts } = (object.status ?? {}) as NonNullable<TrainingJob['status']>;
        const last = attempts?.at(-1);
        const attempt = last === undefined ? '' : ` (attempt ${last.number} ${last.state} ${last.outcome ?? ''})`;
        return `${write.by}: ${type} ${plural} ${object.metadata.name} ${phase}${attempt}`;
      });
      if (plural === 'trainingplans') this.#whileAmending();
      this.#people.look();
    });
    this.#server.create('admin', 'namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team' },
    });
    for (const setup of providers) {
      this.#server.create('admin', 'computeproviders', objectOf('ComputeProvider', setup.name, providerSpec(setup)));
    }
    if (policy !== undefined) {
      this.#server.create('admin', 'trainingpolicies', objectOf('TrainingPolicy', 'all', policy));
    }
    for (const goal of goals) {
      this.#server.create('alice', 'traininggoals', objectOf('TrainingGoal', goal.name, goalSpec(goal), 'team'));
    }
  }

  /** Faults that come at a time of their own. */
  #arrange(): void {
    for (const fault of this.#faults.of('kill')) {
      this.#clock.setTimer(fault.at, () => {
        this.#faults.hit('kill');
        for (const process of this.#processes) process.kill();
        this.#dead(fault.ms);
      });
    }
    for (const fault of this.#faults.of('second')) {
      this.#clock.setTimer(fault.at, () => {
        const [first] = this.#processes.filter((process) => process.alive);
        if (first === undefined) return;
        this.#faults.hit('second');
        this.#boot();
        this.#clock.setTimer(fault.overlapMs, () => {
          first.kill();
          // The one that took over may have died meanwhile.
          if (this.#processes.every((process) => !process.alive)) this.#dead(0);
        });
      });
    }
    for (const fault of this.#faults.of('clock')) {
      if (fault.amending === undefined) this.#clock.setTimer(fault.at, () => this.#setClock(fault.jumpMs));
    }
    for (const type of ['corrupt', 'tamper'] as const) {
      for (const fault of this.#faults.of(type)) {
        this.#clock.setTimer(fault.at, () => {
          for (const store of this.#stores.values()) {
            if (store.damage(type === 'corrupt' ? 'HashMismatch' : 'ManifestChanged')) this.#faults.hit(type);
          }
        });
      }
    }
    for (const fault of this.#faults.of('trainer')) {
      const { type: _type, nth: _nth, startupMs: _a, stepMs: _b, saveMs: _c, ...kinds } = fault;
      for (const kind of Object.keys(kinds)) this.#faults.hit(`trainer ${kind}`);
    }
  }

  #setClock(jumpMs: number): void {
    this.#tell(() => `the clock of the operator is set by ${jumpMs} ms`);
    this.#faults.hit(jumpMs > 0 ? 'clock forward' : 'clock back');
    if (jumpMs < 0 && this.#isAmending) this.#faults.hit('clock back while an amendment waits');
    this.#skewMs += jumpMs;
  }

  get #isAmending(): boolean {
    const plans = this.#server.list('trainingplans') as TrainingPlan[];
    return plans.some(({ spec, status }) => spec.amends !== undefined && status?.phase === 'AwaitingApproval');
  }

  /** An amendment waits: what was arranged for this moment takes its course. */
  #whileAmending(): void {
    if (this.#amended || !this.#isAmending) return;
    this.#amended = true;
    for (const fault of this.#faults.of('clock')) {
      if (fault.amending === true) this.#clock.setTimer(fault.at, () => this.#setClock(fault.jumpMs));
    }
  }

  #boot(): void {
    const process = new SimProcess(
      this.#clock,
      (call) => {
        if (call.effect) this.#effects += 1;
        const fault = this.#faults.ofCall(call);
        if (fault.type !== 'none') this.#tell(() => `fault: ${JSON.stringify(fault)} at ${call.target} ${call.verb}`);
        return fault;
      },
      (_call, ms) => this.#dead(ms),
      () => this.#skewMs,
      this.#schedule.replyMs,
    );
    this.#processes = [...this.#processes.filter((one) => one.alive), process];
    startOperator(process, {
      clock: this.#clock,
      server: this.#server,
      providers: this.#providers,
      storeAt: (uri) => this.#storeAt(uri),
      parser: simParser,
      faults: this.#faults,
      watched: {
        gone: () => this.#faults.window('apiGone') !== undefined,
        sent: (body) => {
          if (body.includes(SECRET)) this.#invariants.breaks('secret', `it was sent in ${body.slice(0, 200)}`);
        },
      },
    });
  }

  get #isMetered(): boolean {
    return this.#schedule.providers.some(({ storePrice }) => storePrice !== undefined);
  }

  #dead(ms: number): void {
    this.#tell(() => `the operator is dead and back in ${ms} ms`);
    this.#clock.setTimer(ms, () => {
      if (!this.#processes.some((process) => process.alive)) this.#boot();
    });
  }

  async #untilQuiet(): Promise<boolean> {
    const lastPlanned = Math.max(
      this.#faults.lastEnds,
      ...this.#schedule.people.flat().map(({ when }) => (when.type === 'at' ? when.ms : 0)),
    );
    let quietSince = this.#clock.now();
    let seen = -1;
    while (this.#clock.now() - this.#clock.start < LIMIT_MS) {
      await this.#clock.advance(TICK_MS);
      const live = this.#bill.some((rental) => rental.endedAt === undefined);
      const planned = this.#clock.now() - this.#clock.start < lastPlanned;
      if (this.#server.writes.length !== seen || live || planned) quietSince = this.#clock.now();
      seen = this.#server.writes.length;
      if (this.#clock.now() - quietSince >= QUIET_MS) return true;
    }
    return false;
  }

  #trainersOf(uid: string): SimTrainer[] {
    return [...this.#providers.values()].flatMap((provider) => provider.trainersOf(uid));
  }

  #storeAt(uri: string): SimStore {
    let store = this.#stores.get(uri);
    if (store === undefined) {
      const trouble = (): 'gone' | 'forbidden' | undefined => {
        if (this.#faults.window('storeGone') !== undefined) return 'gone';
        return this.#faults.window('storeForbidden') === undefined ? undefined : 'forbidden';
      };
      store = new SimStore(uri, this.#clock, trouble);
      this.#stores.set(uri, store);
    }
    return store;
  }

  #lastWrites(count: number): string {
    return this.#server.writes
      .slice(-count)
      .map((write) => `${write.plural} ${JSON.stringify(write.after?.status ?? {})}`)
      .join(', ')
      .slice(0, 2_000);
  }

  #tell(text: () => string): void {
    if (this.#story === undefined) return;
    this.#story.push(`${((this.#clock.now() - this.#clock.start) / 1000).toFixed(2)} ${text()}`);
  }
}
