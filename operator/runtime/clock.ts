import { uptime } from 'node:os';

/** Time, passed in, so that tests and the simulator own it. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  date(): Date;
  /** Calls `fn` once after `ms` milliseconds unless cancelled. */
  setTimer(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout fires at once for anything longer than this, so longer timers are chained. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  date(): Date {
    return new Date();
  }

  setTimer(ms: number, fn: () => void): Timer {
    let left = Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const step = Math.min(left, LONGEST_TIMEOUT_MS);
      left -= step;
      handle = setTimeout(left > 0 ? arm : fn, step);
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}

export const systemClock: Clock = new SystemClock();

/** What a machine's clocks say, in ms. */
export interface Readings {
  /** Since the epoch; people and NTP may set it. */
  wall(): number;
  /** Since any moment; never set, but it may stand still while the machine sleeps. */
  monotonic(): number;
  /** Since the start of the machine, sleep included. */
  uptime(): number;
}

/** The wall clock was set, or the machine slept. */
export interface ClockStep {
  /** By how much the wall clock moved besides the time that passed, ms; negative when it was set back. */
  readonly byMs: number;
  /** Whether this clock went along. */
  readonly followed: boolean;
}

const machine: Readings = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: () => uptime() * 1000,
};

/** Differences up to this are NTP slewing the clock: followed without a word, ms. */
const SLEWED_MS = 2_000;

/** Between two looks at how long the machine has been up, in ms of the monotonic clock. */
const UPTIME_MS = 100;

/** A wall clock that is set forward by more than this is not believed until the process starts anew, ms. */
const BELIEVED_MS = 10 * 60_000;

/**
 * A clock for money: it never goes back, and the time between two readings is the time that passed. It is anchored to the
 * wall clock at the start and follows the monotonic one from there. A wall clock that is set forward a little, or a
 * machine that slept, is followed, since what was billed meanwhile was billed. One that is set back is not: durations
 * are what is billed, and the moments they began at were written by the clock as it was. One that jumps ahead by hours is
 * not either: it would use up every budget at once.
 */
class SteadyClock extends SystemClock {
  readonly #read: Readings;
  readonly #onStep: (step: ClockStep) => void;
  #wall: number;
  #monotonic: number;
  /** Since the start of the machine, and the monotonic reading it was taken at: it is costly to ask. */
  #uptime: { readonly ms: number; readonly at: number };
  #last: number;
  /** The difference to the wall clock that was told last. */
  #told = 0;

  constructor(read: Readings, onStep: (step: ClockStep) => void) {
    super();
    this.#read = read;
    this.#onStep = onStep;
    this.#wall = read.wall();
    this.#monotonic = read.monotonic();
    this.#uptime = { ms: read.uptime(), at: this.#monotonic };
    this.#last = this.#wall;
  }

  override now(): number {
    const steady = this.#wall + Math.max(0, this.#read.monotonic() - this.#monotonic);
    const wall = this.#read.wall();
    const drift = wall - steady;
    if (Math.abs(drift) <= SLEWED_MS) return this.#follow(wall);
    const slept = this.#read.uptime() - this.#uptime.ms - (this.#read.monotonic() - this.#uptime.at);
    const followed = drift > 0 && drift - Math.max(0, slept) <= BELIEVED_MS;
    if (Math.abs(drift - this.#told) > SLEWED_MS) this.#onStep({ byMs: Math.round(drift), followed });
    if (followed) return this.#follow(wall);
    this.#told = drift;
    this.#last = Math.max(this.#last, steady);
    return Math.round(this.#last);
  }

  override date(): Date {
    return new Date(this.now());
  }

  #follow(wall: number): number {
    this.#wall = wall;
    this.#monotonic = this.#read.monotonic();
    if (this.#monotonic - this.#uptime.at >= UPTIME_MS) {
      this.#uptime = { ms: this.#read.uptime(), at: this.#monotonic };
    }
    this.#told = 0;
    this.#last = Math.max(this.#last, wall);
    return Math.round(this.#last);
  }
}

/** The clock of an operator; `onStep` hears of each step of the wall clock once. */
export function steadyClock(onStep: (step: ClockStep) => void, read: Readings = machine): Clock {
  return new SteadyClock(read, onStep);
}

interface Pending {
  readonly at: number;
  readonly seq: number;
  readonly fn: () => void;
}

/** A clock that moves only when told to. Timers fire in the order of their due times. */
export class FakeClock implements Clock {
  #now: number;
  #seq = 0;
  #pending = new Set<Pending>();

  constructor(startMs: number = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(this.#now);
  }

  /** Timers not yet fired. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Due time (epoch ms) of the next timer. */
  get nextTimerAt(): number | undefined {
    return this.#next()?.at;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const timer: Pending = { at: this.#now + Math.max(0, ms), seq: this.#seq++, fn };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Moves time forward, firing due timers and letting promise callbacks run after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#pending) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.seq < first.seq)) first = timer;
    }
    return first;
  }
}

/** Lets every promise callback that is ready run, and one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sleepOn(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
