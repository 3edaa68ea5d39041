import { API_VERSION, type TrainingGoalSpec } from '@kriptik/crds';
import type { IntentParser } from '@kriptik/operator/intent/parsers.ts';
import { type MicroUsd, maxMoney, parseMoney, zeroMoney } from '@kriptik/operator/money.ts';
import { FakeClock } from '@kriptik/operator/runtime/clock.ts';
import { admission } from './admission.ts';
import { SimApiServer } from './api-server.ts';
import type { Disturbance } from './disturbance.ts';
import { Invariants } from './invariants.ts';
import { OPERATOR } from './kube.ts';
import { startOperator } from './operator.ts';
import { type Call, type Fault, SimProcess } from './process.ts';
import { SimProvider } from './provider.ts';
import type { Scenario } from './scenarios.ts';
import { SimStore } from './store.ts';
import { View } from './view.ts';

/** What came of one run. */
export interface Report {
  readonly end: string;
  readonly broken: readonly string[];
  /** Calls with an effect outside that the operator made. */
  readonly effects: number;
  readonly crashes: number;
  /** Virtual, in ms. */
  readonly tookMs: number;
  /** How many instances were created. */
  readonly launches: number;
  /** What happened, for people who look for the cause. */
  readonly story: readonly string[];
}

const TICK_MS = 500;
/** Nothing changed for this long after the last deed: the run has come to rest. Longer than any wait of the operator. */
const QUIET_MS = 20_000;
/** At rest: as long again as the slowest probe. */
const REST_MS = 70_000;
const LIMIT_MS = 600_000;

/** One cluster, one provider, one goal, the people around it, and an operator that may die at any moment. */
export class World {
  readonly clock = new FakeClock();
  readonly #scenario: Scenario;
  readonly #disturbance: Disturbance;
  readonly #server = new SimApiServer(this.clock, admission);
  readonly #stores = new Map<string, SimStore>();
  readonly #provider: SimProvider;
  readonly #view: View;
  readonly #invariants: Invariants;
  readonly #story: string[] = [];
  readonly #start = this.clock.now();
  #limit: MicroUsd = zeroMoney;
  #effects = 0;
  #crashes = 0;
  #deeds = 0;
  #counted = 0;
  #written = 0;
  #disturbed = true;

  constructor(scenario: Scenario, disturbance: Disturbance) {
    this.#scenario = scenario;
    this.#disturbance = disturbance;
    const { startMs, killMs } = disturbance;
    this.#provider = new SimProvider(
      this.clock,
      {
        startMs,
        killMs,
        behaviour: (number) => disturbance.behaviour(number),
        full: () => disturbance.full(),
        onLaunch: (rental) => {
          this.#tell(`provider: ${rental.name} is created, from step ${rental.request.spec.resume?.step ?? 0}`);
          this.#invariants.launched(rental);
        },
      },
      (uri) => this.#storeAt(uri),
    );
    this.#view = new View(this.#server, this.#provider, () => this.clock.now());
    this.#invariants = new Invariants({
      server: this.#server,
      provider: this.#provider,
      storeAt: (uri) => this.#storeAt(uri),
      now: () => this.clock.now(),
      limit: () => this.#limit,
    });
  }

  async run(): Promise<Report> {
    this.#populate();
    this.#boot();
    const settled = await this.#untilQuiet();
    const broken = [...this.#invariants.broken];
    if (settled) {
      // What the last faults left behind may still be put right; after that nothing has a reason to change.
      this.#disturbed = false;
      await this.clock.advance(REST_MS);
      const before = this.#operatorWrites();
      await this.clock.advance(REST_MS);
      const restless = this.#operatorWrites() - before;
      if (restless > 0) broken.push(`${restless} writes at rest: ${this.#lastWrites(restless)}`);
      this.#invariants.settled();
      broken.push(...this.#invariants.broken.slice(broken.length - (restless > 0 ? 1 : 0)));
    } else {
      broken.push(`did not come to rest within ${LIMIT_MS / 1000} s; the last writes: ${this.#lastWrites(5)}`);
    }
    const hasModel = (uid: string): boolean => this.#storeAt(`sim:///jobs/${uid}`).artifacts.length > 0;
    return {
      end: this.#view.summary(hasModel),
      broken,
      effects: this.#effects,
      crashes: this.#crashes,
      tookMs: this.clock.now() - this.#start,
      launches: this.#provider.bill.length,
      story: this.#story,
    };
  }

  #populate(): void {
    const object = (kind: string, metadata: { name: string; namespace?: string }, spec: object) => ({
      apiVersion: API_VERSION,
      kind,
      metadata,
      spec,
    });
    const { goal, policy } = this.#scenario;
    this.#server.create('admin', 'namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    this.#server.create(
      'admin',
      'computeproviders',
      object('ComputeProvider', { name: 'here' }, { type: 'local', local: { gpu: 'cpu', pricePerHour: '36.00' } }),
    );
    if (policy !== undefined) {
      this.#server.create('admin', 'trainingpolicies', object('TrainingPolicy', { name: 'all' }, policy));
    }
    this.#server.onChange((plural, { object: changed }) => {
      if (plural === 'traininggoals') this.#agree(changed as { spec?: TrainingGoalSpec });
    });
    this.#server.onChange((plural, { type, object: changed }) => {
      const write = this.#server.writes.at(-1);
      if (write === undefined) return;
      this.#invariants.wrote(write);
      const phase = (changed.status as { phase?: string } | undefined)?.phase ?? '';
      this.#tell(`${write.by}: ${type} ${plural} ${phase}`);
    });
    this.#server.create('alice', 'traininggoals', object('TrainingGoal', { name: 'faq', namespace: 'team' }, goal));
  }

  /** The highest limit that people agreed to so far; a cut does not undo what was spent before it. */
  #agree({ spec }: { spec?: TrainingGoalSpec }): void {
    this.#invariants.spending();
    this.#limit = maxMoney(this.#limit, parseMoney(this.#scenario.agreed ?? spec?.budget?.limit ?? '0'));
  }

  #boot(): void {
    const process = new SimProcess(
      this.clock,
      (call) => {
        if (call.effect) this.#effects += 1;
        const fault: Fault = this.#disturbed ? this.#disturbance.fault(call) : { type: 'none' };
        if (fault.type !== 'none') this.#tell(`fault: ${JSON.stringify(fault)} at ${call.target} ${call.verb}`);
        return fault;
      },
      (call) => this.#crashed(call),
    );
    startOperator(process, {
      clock: this.clock,
      server: this.#server,
      provider: this.#provider,
      storeAt: (uri) => this.#storeAt(uri),
      parser,
      lag: (plural) => this.#disturbance.lag(plural),
    });
  }

  #crashed(call: Call): void {
    this.#crashes += 1;
    const ms = this.#disturbance.restartMs();
    this.#tell(`the operator dies at ${call.target} ${call.verb} and is back in ${ms} ms`);
    this.clock.setTimer(ms, () => this.#boot());
  }

  async #untilQuiet(): Promise<boolean> {
    let quietSince = this.clock.now();
    let seen = -1;
    while (this.clock.now() - this.#start < LIMIT_MS) {
      const before = this.#operatorWrites();
      await this.clock.advance(TICK_MS);
      this.#invariants.spending();
      this.#invariants.wroteAtOnce(this.#operatorWrites() - before);
      const changed = this.#actOut() || this.#server.writes.length !== seen || this.#provider.live.length > 0;
      seen = this.#server.writes.length;
      if (changed) quietSince = this.clock.now();
      if (this.clock.now() - quietSince >= QUIET_MS) return true;
    }
    return false;
  }

  /** Lets people do what they do next. True while something is left of their part that may still come. */
  #actOut(): boolean {
    const deed = this.#scenario.deeds[this.#deeds];
    if (deed === undefined || !deed.when(this.#view)) return false;
    this.#deeds += 1;
    this.#tell(`people: deed ${this.#deeds}`);
    deed.act(this.#view);
    return true;
  }

  #storeAt(uri: string): SimStore {
    let store = this.#stores.get(uri);
    if (store === undefined) {
      store = new SimStore(uri, this.clock);
      this.#stores.set(uri, store);
    }
    return store;
  }

  #operatorWrites(): number {
    for (const write of this.#server.writes.slice(this.#counted)) if (write.by === OPERATOR) this.#written += 1;
    this.#counted = this.#server.writes.length;
    return this.#written;
  }

  #lastWrites(count: number): string {
    return this.#server.writes
      .slice(-count)
      .map((write) => `${write.plural} ${JSON.stringify(write.after?.status ?? {})}`)
      .join(', ')
      .slice(0, 2_000);
  }

  #tell(text: string): void {
    this.#story.push(`${((this.clock.now() - this.#start) / 1000).toFixed(2)} ${text}`);
  }
}

/** Reads every goal the same way: what is under test begins behind the parser. */
const parser: IntentParser = {
  parsedBy: { source: 'claude', model: 'sim', version: '1' },
  parse: ({ goal }) =>
    Promise.resolve({
      draft: {
        modality: 'llm' as const,
        capability: 'question-answering',
        summary: goal.goal,
        methods: ['lora' as const],
        methodStated: true,
        model: null,
        modelParametersB: null,
        quality: null,
        datasetHint: null,
        datasetSize: null,
        rows: null,
        dataUris: [],
        budget: limitIn(goal.goal),
        deadlineHours: null,
        deadlineDate: null,
        gpuLimit: null,
        gpuCount: null,
        gpuMemoryGb: null,
        localOnly: true,
        privateOnly: false,
        regions: [],
        commercialUse: false,
        licenses: [],
        outputs: [],
        questions: [],
        conflict: false,
        refusal: null,
        injection: false,
        assumptions: [],
      },
    }),
};

/** "$0.24" in a goal's text. */
function limitIn(text: string): { amount: string; currency: string } | null {
  const amount = /\$(\d+\.\d+)/.exec(text)?.[1];
  return amount === undefined ? null : { amount, currency: 'USD' };
}
