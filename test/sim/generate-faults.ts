import type { Random } from './random.ts';
import type { ProviderSetup, SimFault, Target } from './schedule.ts';

const PLURALS = ['traininggoals', 'trainingplans', 'trainingjobs', 'computeproviders'] as const;
const HOWS = ['dieBefore', 'dieAfter', 'cutBefore', 'cutAfter', 'slow'] as const;
/** Calls whose unknown outcome costs money. */
const DANGEROUS = ['launch', 'terminate', 'find', 'release', 'list', 'setHardDeadline'] as const;

/** Faults of the operator and of its connections: they may not change the end. */
export function operatorFaults(random: Random): SimFault[] {
  const faults = Array.from({ length: random.between(1, 5) }, () => callFault(random));
  return [...faults, ...several(random, [0, 0, 1, 2], () => viewFault(random))];
}

/** Faults of everything. */
export function randomFaults(random: Random, providers: readonly ProviderSetup[]): SimFault[] {
  const name = (): string => random.pick(providers as [ProviderSetup, ...ProviderSetup[]]).name;
  return [
    ...several(random, [0, 1, 1, 2, 4], () => callFault(random)),
    ...several(random, [0, 0, 0, 1, 2], () => viewFault(random)),
    ...several(random, [0, 0, 1, 1, 2], () => providerFault(random, name())),
    ...several(random, [0, 0, 1, 1, 2], () => trainerFault(random)),
    ...several(random, [0, 0, 0, 1], () => storeFault(random)),
    ...several(random, [0, 0, 0, 0, 0, 0, 1], () => clockFault(random)),
  ];
}

function several(random: Random, counts: readonly [number, ...number[]], make: () => SimFault): SimFault[] {
  return Array.from({ length: random.pick(counts) }, make);
}

function callFault(random: Random): SimFault {
  const how = random.pick(HOWS);
  const ms = how === 'slow' ? random.between(100, 2_500) : random.between(100, 6_000);
  const base = { type: 'call', how, ms } as const;
  switch (random.between(0, 3)) {
    case 0:
      return { ...base, nth: random.between(1, 250) };
    case 1:
      return { ...base, effect: true, nth: random.between(1, 90) };
    case 2:
      return { ...base, on: 'provider', verb: random.pick(DANGEROUS), nth: random.pick([1, 1, 2, 3, 10]) };
    default: {
      const on = random.pick<Target>(['api', 'provider', 'trainer', 'store']);
      return { ...base, on, nth: random.between(1, 60) };
    }
  }
}

/** What the operator sees is wrong, or there are none or two of it. */
function viewFault(random: Random): SimFault {
  const at = random.between(0, 40_000);
  switch (random.between(0, 6)) {
    case 0:
      return { type: 'watch', how: 'held', plural: random.pick(PLURALS), at, ms: random.between(500, 6_000) };
    case 1:
      return { type: 'watch', how: 'lost', at, ms: random.between(500, 6_000) };
    case 2:
      return { type: 'watch', how: 'twice', at, ms: random.between(5_000, 20_000) };
    case 3:
      return { type: 'lag', plural: random.pick(PLURALS), ms: random.between(50, random.pick([300, 300, 2_000])) };
    case 4:
      return { type: 'apiGone', at, ms: random.between(500, 15_000) };
    case 5:
      return { type: 'second', at, overlapMs: random.between(200, 6_000) };
    default:
      return { type: 'kill', at, ms: random.between(100, 15_000) };
  }
}

function providerFault(random: Random, provider: string): SimFault {
  const at = random.between(0, 40_000);
  switch (random.between(0, 6)) {
    case 0:
      return { type: 'full', provider, at: random.pick([0, at]), ms: random.between(1_000, 20_000) };
    case 1:
      return { type: 'queued', provider, nth: random.between(1, 2), ms: random.pick([500, 5_000, 12_000, 60_000]) };
    case 2:
      return { type: 'deaf', provider, nth: random.between(1, 3), ms: random.between(500, 20_000) };
    case 3:
      return { type: 'unlisted', provider, ms: random.between(500, 30_000) };
    case 4:
      return { type: 'preempted', provider, at };
    case 5:
      return { type: 'nodeLost', provider, at };
    default:
      return { type: 'providerGone', provider, at, ms: random.between(500, 15_000) };
  }
}

function storeFault(random: Random): SimFault {
  const at = random.between(0, 40_000);
  const ms = random.between(500, 15_000);
  return random.pick<SimFault>([
    { type: 'storeGone', at, ms },
    { type: 'storeForbidden', at, ms },
    { type: 'corrupt', at },
    { type: 'tamper', at },
  ]);
}

function clockFault(random: Random): SimFault {
  const jumpMs = random.pick([-3_600_000, -10_000, 2_000, 10_000, 3_600_000]);
  return { type: 'clock', at: random.between(0, 40_000), jumpMs };
}

/** A run out of memory, which an amendment can mend, and a clock that is set back while people think about it. */
export function amendmentFaults(random: Random): SimFault[] {
  const jumpMs = random.pick([-3_600_000, -60_000, -10_000]);
  return [
    { type: 'trainer', nth: 1, oomAt: random.between(3, 19) },
    { type: 'clock', amending: true, at: random.between(0, 3_000), jumpMs },
  ];
}

function trainerFault(random: Random): SimFault {
  const at = random.between(1, 19);
  const pace = { startupMs: random.between(300, 4_000), stepMs: random.between(300, 1_500) };
  const base = { type: 'trainer', nth: random.between(1, 3), ...pace, saveMs: random.between(100, 1_500) } as const;
  switch (random.between(0, 9)) {
    case 0:
      return { ...base, hangsAt: at };
    case 1:
      return { ...base, mutedAt: at };
    case 2:
      return { ...base, diesAt: at };
    case 3:
      return { ...base, fails: { at, code: random.pick(['internal', 'data.missingField', 'lossNotFinite']) } };
    case 4:
      return { ...base, ignoresRequests: true };
    case 5:
      return { ...base, breaksSave: random.between(1, 4) };
    case 6:
      return { ...base, losesSave: random.between(1, 4) };
    case 7:
      return { ...base, oomAt: at };
    case 8:
      return { ...base, breaksSave: 1, diesAt: at };
    default:
      return base;
  }
}
