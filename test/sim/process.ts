import type { Clock, Timer } from '@kriptik/operator/runtime/clock.ts';
import type { SimClock } from './clock.ts';
import type { Target } from './schedule.ts';

/** What may happen to one call of the operator to the outside. */
export type Fault =
  | { readonly type: 'none' }
  /** The operator dies before the call had any effect, or after it had, before the answer; it is back after `ms`. */
  | { readonly type: 'crash'; readonly when: 'before' | 'after'; readonly ms: number }
  /** The call fails; its effect may have happened all the same. */
  | { readonly type: 'fail'; readonly when: 'before' | 'after' }
  | { readonly type: 'slow'; readonly ms: number }
  /** The call fails at once, and its effect happens `ms` later, whatever became of the caller. */
  | { readonly type: 'late'; readonly ms: number };

export interface Call {
  readonly target: Target;
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
  readonly #world: SimClock;
  readonly #plan: FaultPlan;
  readonly #onDeath: (call: Call, ms: number) => void;
  readonly #skew: () => number;
  readonly #replyMs: number;
  #alive = true;

  /**
   * `skew`: by how much the wall clock of its machine is off, ms. `replyMs`: how long after a write to the API server
   * its answer comes.
   */
  constructor(
    world: SimClock,
    plan: FaultPlan,
    onDeath: (call: Call, ms: number) => void,
    skew: () => number = () => 0,
    replyMs = 0,
  ) {
    this.#world = world;
    this.#plan = plan;
    this.#onDeath = onDeath;
    this.#skew = skew;
    this.#replyMs = replyMs;
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
    if (fault.type === 'crash' && fault.when === 'before') return await this.#die<T>(call, fault.ms);
    if (fault.type === 'fail' && fault.when === 'before') throw failure(false);
    if (fault.type === 'late') {
      this.#world.setTimer(fault.ms, () => void landed(effect));
      throw failure(true);
    }
    if (fault.type === 'slow') {
      await this.#world.sleep(fault.ms);
      if (!this.#alive) return await never<T>();
    }
    const value = await effect();
    if (!this.#alive) return await never<T>();
    if (fault.type === 'crash') return await this.#die<T>(call, fault.ms);
    if (fault.type === 'fail') throw failure(true);
    if (call.effect && call.target === 'api' && this.#replyMs > 0) {
      await this.#world.sleep(this.#replyMs);
      if (!this.#alive) return await never<T>();
    }
    return value;
  }

  #die<T>(call: Call, ms: number): Promise<T> {
    this.#alive = false;
    this.#onDeath(call, ms);
    return never<T>();
  }

  #ownClock(): Clock {
    const world = this.#world;
    const skew = this.#skew;
    const setTimer = (ms: number, fn: () => void): Timer =>
      world.setTimer(ms, () => {
        if (this.#alive) fn();
      });
    return {
      now: () => world.now() + skew(),
      date: () => new Date(world.now() + skew()),
      setTimer,
      sleep: (ms, signal) => world.sleep(ms, signal),
    };
  }
}

/** Nobody waits for the answer, whatever it is. */
async function landed(effect: () => unknown): Promise<void> {
  try {
    await effect();
  } catch {
    return;
  }
}
