import type { Clock, FakeClock, Timer } from '@kriptik/operator/runtime/clock.ts';

/** What may happen to one call of the operator to the outside. */
export type Fault =
  | { readonly type: 'none' }
  /** The operator dies before the call had any effect, or after it had, before the answer. */
  | { readonly type: 'crash'; readonly when: 'before' | 'after' }
  /** The call fails; its effect may have happened all the same. */
  | { readonly type: 'fail'; readonly when: 'before' | 'after' }
  | { readonly type: 'slow'; readonly ms: number };

export interface Call {
  readonly target: 'api' | 'provider' | 'trainer' | 'store';
  readonly verb: string;
  /** Whether it changes anything outside. */
  readonly effect: boolean;
}

/** Decides about each call in turn. */
export type FaultPlan = (call: Call) => Fault;

/** A promise of a dead process: nobody is there any more to see it settle. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One life of the operator's process. Once dead, nothing of it reaches the outside, and no timer of it fires. */
export class SimProcess {
  readonly clock: Clock;
  readonly #world: FakeClock;
  readonly #plan: FaultPlan;
  readonly #onCrash: (call: Call) => void;
  #alive = true;

  constructor(world: FakeClock, plan: FaultPlan, onCrash: (call: Call) => void) {
    this.#world = world;
    this.#plan = plan;
    this.#onCrash = onCrash;
    this.clock = this.#ownClock();
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
  }

  /** Makes one call to the outside, with whatever the plan has in store for it. */
  async call<T>(call: Call, failure: (landed: boolean) => Error, effect: () => T | Promise<T>): Promise<T> {
    if (!this.#alive) return await never<T>();
    const fault = this.#plan(call);
    if (fault.type === 'crash' && fault.when === 'before') return await this.#crash<T>(call);
    if (fault.type === 'fail' && fault.when === 'before') throw failure(false);
    if (fault.type === 'slow') {
      await this.#world.sleep(fault.ms);
      if (!this.#alive) return await never<T>();
    }
    const value = await effect();
    if (!this.#alive) return await never<T>();
    if (fault.type === 'crash') return await this.#crash<T>(call);
    if (fault.type === 'fail') throw failure(true);
    return value;
  }

  #crash<T>(call: Call): Promise<T> {
    this.#alive = false;
    this.#onCrash(call);
    return never<T>();
  }

  #ownClock(): Clock {
    const world = this.#world;
    const setTimer = (ms: number, fn: () => void): Timer =>
      world.setTimer(ms, () => {
        if (this.#alive) fn();
      });
    return {
      now: () => world.now(),
      date: () => world.date(),
      setTimer,
      sleep: (ms, signal) => world.sleep(ms, signal),
    };
  }
}
