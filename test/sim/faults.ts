import type { SimClock } from './clock.ts';
import type { Call, Fault } from './process.ts';
import type { FaultType, SimFault } from './schedule.ts';
import type { Behaviour } from './trainer.ts';

type Of<T extends FaultType> = Extract<SimFault, { type: T }>;

const NONE: Fault = { type: 'none' };

/** The faults of one run: tells at each point whether one of them strikes, and counts those that did. */
export class Faults {
  readonly hits = new Map<string, number>();
  readonly #all: readonly SimFault[];
  readonly #clock: SimClock;
  readonly #counts = new Map<SimFault, number>();
  #over = false;

  constructor(all: readonly SimFault[], clock: SimClock) {
    this.#all = all;
    this.#clock = clock;
  }

  /** After the run came to rest nothing goes wrong any more. */
  end(): void {
    this.#over = true;
  }

  of<T extends FaultType>(type: T): Of<T>[] {
    return this.#all.filter((fault): fault is Of<T> => fault.type === type);
  }

  has(...types: FaultType[]): boolean {
    return this.#all.some((fault) => types.includes(fault.type));
  }

  /** Whether the calls of the operator are all that is disturbed. */
  get lastEnds(): number {
    return Math.max(0, ...this.#all.map((fault) => ('at' in fault ? fault.at : 0) + ('ms' in fault ? fault.ms : 0)));
  }

  hit(kind: string): void {
    this.hits.set(kind, (this.hits.get(kind) ?? 0) + 1);
  }

  /** What happens to one call of the operator. */
  ofCall(call: Call): Fault {
    if (this.#over) return NONE;
    let struck: Fault = NONE;
    for (const fault of this.#all) {
      if (fault.type !== 'call' || !matches(fault, call) || !this.#isNth(fault, fault.nth)) continue;
      this.hit(`call ${fault.how} ${call.target}`);
      struck = faultOf(fault);
    }
    return struck;
  }

  /** The end of the window of that kind that is open now, virtual time. */
  window(type: 'apiGone' | 'storeGone' | 'storeForbidden' | 'staleList'): number | undefined {
    return this.#open(type, this.of(type));
  }

  ofProvider(type: 'providerGone' | 'full', provider: string): boolean {
    const own = this.of(type).filter((fault) => fault.provider === provider);
    return this.#open(type, own) !== undefined;
  }

  watch(plural: string): { readonly until: number; readonly how: Of<'watch'>['how'] } | undefined {
    const open = this.of('watch').find(
      (fault) => (fault.plural ?? plural) === plural && this.#isOpen(fault) && !this.#over,
    );
    if (open === undefined) return undefined;
    this.hit(`watch ${open.how}`);
    return { until: this.#clock.start + open.at + open.ms, how: open.how };
  }

  lag(plural: string): number {
    const late = this.of('lag').find((fault) => fault.plural === plural);
    if (late === undefined || this.#over) return 0;
    this.hit('lag');
    return late.ms;
  }

  /** Called once for each instance created there. */
  queuedMs(provider: string): number {
    const fault = this.of('queued').find((one) => one.provider === provider && this.#isNth(one, one.nth));
    if (fault !== undefined) this.hit('queued');
    return fault?.ms ?? 0;
  }

  /** Called once for each request to end an instance. */
  deafMs(provider: string): number {
    const fault = this.of('deaf').find((one) => one.provider === provider && this.#isNth(one, one.nth));
    if (fault === undefined || this.#over) return 0;
    this.hit('deaf');
    return fault.ms;
  }

  unlistedMs(provider: string): number {
    return this.of('unlisted').find((one) => one.provider === provider)?.ms ?? 0;
  }

  /** Called once for each trainer that starts. */
  behaviour(): Partial<Behaviour> {
    const fault = this.of('trainer').find((one) => this.#isNth(one, one.nth));
    if (fault === undefined) return {};
    const { type: _type, nth: _nth, ...behaviour } = fault;
    return behaviour;
  }

  #open(type: FaultType, windows: readonly { readonly at: number; readonly ms: number }[]): number | undefined {
    const open = this.#over ? undefined : windows.find((window) => this.#isOpen(window));
    if (open === undefined) return undefined;
    this.hit(type);
    return this.#clock.start + open.at + open.ms;
  }

  #isOpen({ at, ms }: { readonly at: number; readonly ms: number }): boolean {
    const since = this.#clock.now() - this.#clock.start;
    return since >= at && since < at + ms;
  }

  #isNth(fault: SimFault, nth: number): boolean {
    const count = (this.#counts.get(fault) ?? 0) + 1;
    this.#counts.set(fault, count);
    return count === nth;
  }
}

function matches({ on, verb, effect }: Of<'call'>, call: Call): boolean {
  if (on !== undefined && on !== call.target) return false;
  if (verb !== undefined && verb !== call.verb) return false;
  return effect !== true || call.effect;
}

function faultOf({ how, ms }: Of<'call'>): Fault {
  switch (how) {
    case 'dieBefore':
      return { type: 'crash', when: 'before', ms };
    case 'dieAfter':
      return { type: 'crash', when: 'after', ms };
    case 'cutBefore':
      return { type: 'fail', when: 'before' };
    case 'cutAfter':
      return { type: 'fail', when: 'after' };
    case 'slow':
      return { type: 'slow', ms };
    case 'late':
      return { type: 'late', ms };
  }
}
