import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import type { EndState } from './end-state.ts';
import type { PodSite } from './pods.ts';
import { nameOf, type Point, pointsOf, runPoint } from './points.ts';
import { type RunOptions, runScenario } from './run.ts';
import type { Scenario } from './scenarios.ts';

/** Another sample each day, until all points had their turn. */
export const ROTATION = Number(env['KRIPTIK_ROTATION'] ?? Math.floor(Date.now() / 86_400_000));

/** Runs at a time. */
export const LANES = Number(env['KRIPTIK_LANES'] ?? Math.max(2, availableParallelism()));

/** Score of a sweep, as fault campaigns are commonly told. */
interface Score {
  readonly scenario: string;
  readonly generated: number;
  readonly pruned: number;
  readonly run: number;
  /** Runs in which the moment never came: they count as clean runs. */
  readonly missed: readonly string[];
  readonly alarms: readonly string[];
  readonly machineMinutes: number;
}

export interface SweepOptions {
  readonly cluster: ControlPlane;
  readonly scenario: Scenario;
  readonly site?: PodSite | undefined;
  /** Short, unique; begins the names of the namespaces. */
  readonly prefix: string;
  /** The test file that repeats a run. */
  readonly file: string;
  /** How many of the points to run; all of them without. */
  readonly sample?: number | undefined;
  /** Which sample, of all that together cover every point. */
  readonly rotation: number;
  /** How many at a time. */
  readonly lanes: number;
}

/** Every `n`-th point, from the one on that is this rotation's turn, so that rotations together cover all. */
export function sampleOf<T>(points: readonly T[], sample: number | undefined, rotation: number): T[] {
  if (sample === undefined || sample >= points.length) return [...points];
  const stride = Math.ceil(points.length / sample);
  return points.filter((_, index) => index % stride === rotation % stride);
}

/** Runs the scenario undisturbed, then with the operator killed at its points, and compares how each ended. */
export async function sweep(options: SweepOptions): Promise<Score> {
  const { cluster, scenario, site, prefix, file, sample, rotation, lanes } = options;
  const clean = await runScenario({ cluster, name: `${prefix}-clean`, scenario, site });
  if (clean.broken.length > 0) throw new Error(`the clean run is broken: ${clean.broken.join('; ')}`);
  const { points, pruned } = pointsOf(clean);
  const only = env['KRIPTIK_FAULT'];
  const chosen =
    only === undefined ? sampleOf(points, sample, rotation) : points.filter((one) => nameOf(one).includes(only));
  const alarms: string[] = [];
  const missed: string[] = [];
  let spentMs = clean.tookMs;
  const queue = chosen.map((point, index) => ({ point, name: `${prefix}-${index}` }));
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const started = performance.now();
      const { problems, reached } = await tryPoint({ cluster, scenario, site, name: next.name }, next.point, clean.end);
      spentMs += performance.now() - started;
      if (!reached) missed.push(nameOf(next.point));
      if (problems.length === 0) continue;
      const repeat = `KRIPTIK_FAULT='${nameOf(next.point)}' npx vitest run --project faults test/faults/${file}`;
      const alarm = [`killed ${nameOf(next.point)}:`, ...problems, `repeat: ${repeat}`].join('\n  ');
      alarms.push(alarm);
      // A whole sweep takes an hour or more: nobody is to wait for its end to hear of this.
      console.warn(alarm);
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  return {
    scenario: scenario.name,
    generated: points.length,
    pruned,
    run: chosen.length,
    missed,
    alarms,
    machineMinutes: spentMs / 60_000,
  };
}

async function tryPoint(
  run: Pick<RunOptions, 'cluster' | 'scenario' | 'site' | 'name'>,
  point: Point,
  clean: EndState,
): Promise<{ problems: string[]; reached: boolean }> {
  try {
    const { end, broken, reached } = await runPoint({ ...run, point });
    const problems = [...broken];
    if (!isDeepStrictEqual(end, clean)) {
      problems.push(`it ended as ${JSON.stringify(end)}`, `and without a fault as ${JSON.stringify(clean)}`);
    }
    return { problems, reached };
  } catch (error) {
    return { problems: [String(error)], reached: true };
  }
}

/** One line for people. */
export function told({ scenario, generated, pruned, run, missed, alarms, machineMinutes }: Score): string {
  const parts = [
    `a goal that ${scenario}: ${generated} points generated (${pruned} pruned), ${run} run, ${generated - run} not run`,
    `${missed.length} never came${missed.length === 0 ? '' : ` (${missed.join('; ')})`}`,
    `${alarms.length} alarms, ${machineMinutes.toFixed(1)} machine minutes`,
  ];
  return parts.join('; ');
}
