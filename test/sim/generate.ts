import { amendmentFaults, operatorFaults, randomFaults } from './generate-faults.ts';
import { randomPeople } from './generate-people.ts';
import { Random } from './random.ts';
import { scenarios } from './scenarios.ts';
import type { GoalSetup, ProviderSetup, Schedule } from './schedule.ts';

/** Every third run asks whether a disturbed operator comes to the same end; the others whether anything breaks. */
const SAME_END_EVERY = 3;

/** Mostly events come before the answers, as they do in a cluster; where they do not, writes collide all the time. */
const REPLIES_MS = [0, 12, 12, 12, 12, 12] as const;

/** The schedule of a seed. */
export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed);
  const schedule = seed % SAME_END_EVERY === 0 ? disturbed(random, seed) : free(random, seed);
  const whole = { ...schedule, replyMs: random.pick(REPLIES_MS) };
  if (schedule.end !== undefined || !schedule.goals.some(({ amends }) => amends) || !random.chance(0.1)) return whole;
  return { ...whole, faults: [...amendmentFaults(random), ...whole.faults] };
}

/** People do what a scenario says, and only the operator and its connections suffer. */
function disturbed(random: Random, seed: number): Schedule {
  const scenario = scenarios[Math.floor(seed / SAME_END_EVERY) % scenarios.length] ?? scenarios[0];
  const providers = scenario.providers.map((one) => ({
    ...one,
    startMs: random.between(50, 1_500),
    killMs: random.between(50, 900),
    tellsBilling: random.chance(0.5),
  }));
  return { ...scenario, providers, faults: [...scenario.faults, ...operatorFaults(random)] };
}

const TEXT = 'Answer questions of our customers in a friendly tone.';
export const LIMITS = ['0.15', '0.24', '0.30', '0.45', '3.00'] as const;
/** Of the first, second and third provider: few patterns, for the planner answers each question once. */
const PRICES = [
  ['36.00', '30.00', '45.00'],
  ['30.00', '36.00', '45.00'],
] as const;
const MONTHS = ['0.40', '0.60', '3.20'] as const;

/** A GiB kept for as long as a run costs a few cents of its budget. */
const STORE_PRICES = ['300.00', '1500.00'] as const;

/** Anything may happen. */
function free(random: Random, seed: number): Schedule {
  const prices = random.pick<(typeof PRICES)[number]>(PRICES);
  const stored = random.chance(0.15) ? random.pick(STORE_PRICES) : undefined;
  const providers = ['a', 'b', 'c']
    .slice(0, random.pick([1, 1, 2, 3]))
    .map((name, index) => provider(random, name, index, prices[index] ?? prices[0], stored));
  const names = ['one', 'two', 'three'].slice(0, random.pick([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3]));
  // Approved in the same moment, they reach for the same money.
  const together = random.chance(0.5) ? random.between(100, 6_000) : undefined;
  const goals = names.map((name) => goal(random, name, together));
  const month = random.chance(goals.length > 1 ? 0.6 : 0.1) ? random.pick(MONTHS) : undefined;
  return {
    name: `seed ${seed}`,
    providers,
    goals,
    ...(month === undefined ? {} : { policy: { ceilings: { perNamespacePerMonth: month } } }),
    people: randomPeople(random, { providers, goals, month }),
    faults: randomFaults(random, providers),
  };
}

function provider(
  random: Random,
  name: string,
  index: number,
  pricePerHour: string,
  stored: string | undefined,
): ProviderSetup {
  return {
    name,
    pricePerHour,
    order: index + 1,
    instances: random.between(1, 3),
    startMs: random.between(50, 1_500),
    killMs: random.between(50, 900),
    tellsBilling: random.chance(0.5),
    ...(stored === undefined ? {} : { storePrice: stored }),
  };
}

function goal(random: Random, name: string, together: number | undefined): GoalSetup {
  return {
    name,
    text: TEXT,
    limit: random.pick(LIMITS),
    approvedAfterMs: together ?? random.between(100, 6_000),
    amends: random.chance(0.25),
  };
}
