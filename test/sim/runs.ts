import { env } from 'node:process';
import { anyFaults, crashAt, type Disturbance, operatorFaults } from './disturbance.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { type Report, World } from './world.ts';

/** A family of runs; the number is a seed, or the call at which the operator dies. */
export type Family = 'operator' | 'any' | 'before' | 'after';

const DISTURB: Readonly<Record<Family, (number: number) => Disturbance>> = {
  operator: operatorFaults,
  any: anyFaults,
  before: (number) => crashAt(number, 'before'),
  after: (number) => crashAt(number, 'after'),
};

/** How many runs of each family a test makes; more with KRIPTIK_SIM_SEEDS. */
export function runCount(usual: number): number {
  return Number(env['KRIPTIK_SIM_SEEDS'] ?? usual);
}

/** Seeds go round over the scenarios; a crash point is tried in the scenario given. */
export function scenarioOf(seed: number): Scenario {
  return scenarios[seed % scenarios.length] ?? scenarios[0];
}

/** Makes one run and throws with everything a person needs when an invariant broke or the end is another one. */
export async function prove(family: Family, number: number, scenario: Scenario = scenarioOf(number)): Promise<Report> {
  const report = await new World(scenario, DISTURB[family](number)).run();
  const problems = [...report.broken];
  // A broken trainer may cost so much, or fail so finally, that the end is another one; the invariants hold all the same.
  if (family !== 'any' && report.end !== scenario.end) {
    problems.push(`it ended with "${report.end}" and should have with "${scenario.end}"`);
  }
  if (problems.length === 0) return report;
  const again = `KRIPTIK_SIM_ONLY='${family}:${number}:${scenario.name}' npx vitest run --project unit test/sim`;
  throw new Error(
    [`${scenario.name} (${family} ${number}):`, ...problems, `repeat: ${again}`, ...report.story.slice(-80)].join('\n'),
  );
}

/** The one run that KRIPTIK_SIM_ONLY names, if it names one. */
export function chosenRun(): { family: Family; number: number; scenario: Scenario } | undefined {
  const [family, number, name] = (env['KRIPTIK_SIM_ONLY'] ?? '').split(':');
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined || family === undefined || !(family in DISTURB)) return undefined;
  return { family: family as Family, number: Number(number), scenario };
}
