import type { Lag } from './cache.ts';
import type { Call, Fault } from './process.ts';
import { Random } from './random.ts';
import type { Behaviour } from './trainer.ts';

/** Everything that may go wrong in one run. */
export interface Disturbance {
  readonly startMs: number;
  readonly killMs: number;
  fault(call: Call): Fault;
  behaviour(number: number): Behaviour;
  full(): boolean;
  readonly lag: Lag;
  restartMs(): number;
}

const NONE: Fault = { type: 'none' };

/** A trainer that does what it should. */
export const sound: Behaviour = { startupMs: 1_000, stepMs: 1_000, saveMs: 600 };

/** Nothing goes wrong. */
export const calm: Disturbance = {
  startMs: 200,
  killMs: 100,
  fault: () => NONE,
  behaviour: () => sound,
  full: () => false,
  lag: () => ({ ms: 10 }),
  restartMs: () => 1_000,
};

/** The operator dies once, at its nth call with an effect outside. */
export function crashAt(occurrence: number, when: 'before' | 'after'): Disturbance {
  let seen = 0;
  return {
    ...calm,
    fault: (call) => {
      if (!call.effect) return NONE;
      seen += 1;
      return seen === occurrence ? { type: 'crash', when } : NONE;
    },
  };
}

/** Faults of the operator, of its connections and of the provider's calls, as a seed has it. */
export function operatorFaults(seed: number): Disturbance {
  const random = new Random(seed);
  let left = random.between(1, 8);
  const rate = random.pick([0.01, 0.03, 0.1]);
  const lagRate = random.pick([0, 0.02, 0.1]);
  let refusals = random.chance(0.3) ? random.between(1, 2) : 0;
  return {
    startMs: random.between(50, 1_500),
    killMs: random.between(50, 900),
    fault: (call) => {
      if (left === 0 || !random.chance(call.effect ? rate * 3 : rate)) return NONE;
      left -= 1;
      return anyFault(random);
    },
    behaviour: () => sound,
    full: () => {
      refusals -= 1;
      return refusals >= 0;
    },
    lag: () =>
      random.chance(lagRate)
        ? { ms: random.between(200, 3_000), relist: random.chance(0.5) }
        : { ms: random.between(1, 40) },
    restartMs: () => random.between(100, 6_000),
  };
}

function anyFault(random: Random): Fault {
  const when = random.pick<'before' | 'after'>(['before', 'after']);
  const kind = random.pick<'crash' | 'fail' | 'slow'>(['crash', 'crash', 'fail', 'fail', 'slow']);
  return kind === 'slow' ? { type: 'slow', ms: random.between(100, 2_500) } : { type: kind, when };
}

/** The same, and trainers that misbehave in their first attempts. */
export function anyFaults(seed: number): Disturbance {
  const random = new Random(seed ^ 0x5bd1_e995);
  const troubled = random.between(1, 3);
  const behaviours = Array.from({ length: troubled }, () => misbehaviour(random));
  return { ...operatorFaults(seed), behaviour: (number) => behaviours[number - 1] ?? sound };
}

function misbehaviour(random: Random): Behaviour {
  const at = random.between(0, 19);
  const base = { ...sound, startupMs: random.between(300, 4_000), stepMs: random.between(300, 1_500) };
  const slow = { ...base, saveMs: random.between(100, 1_500) };
  switch (random.between(0, 7)) {
    case 0:
      return { ...slow, hangsAt: at };
    case 1:
      return { ...slow, mutedAt: at };
    case 2:
      return { ...slow, diesAt: at + 1 };
    case 3:
      return { ...slow, fails: { at: at + 1, code: random.pick(['internal', 'data.missingField']) } };
    case 4:
      return { ...slow, ignoresRequests: true };
    case 5:
      return { ...slow, breaksSave: random.between(1, 4) };
    case 6:
      return { ...slow, breaksSave: 1, diesAt: at + 1 };
    default:
      return slow;
  }
}
