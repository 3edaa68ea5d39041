import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import type { ControlPlane } from '@kriptik/tools/controlplane/types.ts';
import type { EndState } from './end-state.ts';
import type { PodSite } from './pods.ts';
import { nameOf, type Point, pointsOf, runPoints } from './points.ts';
import { runScenario } from './run.ts';
import type { Scenario } from './scenarios.ts';

/** Another sample each day, until all points had their turn. */
export const ROTATION = Number(env['KRIPTIK_ROTATION'] ?? Math.floor(Date.now() / 86_400_000));

/** Runs at a time. */
export const LANES = Number(env['KRIPTIK_LANES'] ?? Math.max(2, availableParallelism()));

/** Points of one run: the operator is killed at each of them. An alarm is told of the one that does it alone. */
const TOGETHER = Number(env['KRIPTIK_TOGETHER'] ?? 4);

/** Points that raised an alarm once, by how their names begin: they are in every sample. */
const KEPT = [
  'committed: PATCH traininggoals/status Planning',
  'committed: POST networkpolicies of attempt 1',
  'replied: DELETE networkpolicies of attempt 2',
];

/** Between the names of points that are to be run together. */
const AND = ' + ';

/** Score of a sweep, as fault campaigns are commonly told. */
interface Score {
  readonly scenario: string;
  readonly generated: number;
  readonly pruned: number;
  /** Points, and the runs they took. */
  readonly points: number;
  readonly runs: number;
  /** Points to which it did not come. */
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

/** The points in groups of no more than `size`, those of a group as far from each other as can be. */
function groupsOf<T>(points: readonly T[], size: number): T[][] {
  const count = Math.ceil(points.length / size);
  return Array.from({ length: count }, (_, group) => points.filter((_one, index) => index % count === group));
}

/** Runs the scenario undisturbed, then with the operator killed at its points, and compares how each ended. */
export async function sweep(options: SweepOptions): Promise<Score> {
  const { cluster, scenario, site, prefix } = options;
  const clean = await runScenario({ cluster, name: `${prefix}-clean`, scenario, site });
  if (clean.broken.length > 0) throw new Error(`the clean run is broken: ${clean.broken.join('; ')}`);
  const { points, pruned } = pointsOf(clean);
  const groups = chosenOf(points, options);
  const campaign = new Campaign(options, clean.end);
  await campaign.run(groups);
  const { missed, alarms, runs, spentMs } = campaign;
  return {
    scenario: scenario.name,
    generated: points.length,
    pruned,
    points: groups.flat().length,
    runs,
    missed,
    alarms,
    machineMinutes: (clean.tookMs + spentMs) / 60_000,
  };
}

function chosenOf(points: readonly Point[], { sample, rotation }: SweepOptions): Point[][] {
  const asked = env['KRIPTIK_FAULT'];
  if (asked === undefined) {
    const sampled = new Set(sampleOf(points, sample, rotation));
    const isKept = (point: Point): boolean => KEPT.some((name) => nameOf(point).startsWith(name));
    const chosen = points.filter((point) => sampled.has(point) || isKept(point));
    return groupsOf(chosen, TOGETHER);
  }
  const parts = asked.split(AND);
  const chosen = points.filter((point) => parts.some((part) => nameOf(point).includes(part)));
  return parts.length > 1 ? [chosen] : groupsOf(chosen, TOGETHER);
}

/** The runs of one sweep. */
class Campaign {
  readonly missed: string[] = [];
  readonly alarms: string[] = [];
  runs = 0;
  spentMs = 0;
  readonly #options: SweepOptions;
  readonly #clean: EndState;

  constructor(options: SweepOptions, clean: EndState) {
    this.#options = options;
    this.#clean = clean;
  }

  async run(groups: readonly Point[][]): Promise<void> {
    const queue = [...groups];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#runGroup(next, queue);
    };
    await Promise.all(Array.from({ length: this.#options.lanes }, work));
  }

  /** What came to nothing together is put at the end of the queue, each point alone. */
  async #runGroup(points: Point[], queue: Point[][]): Promise<void> {
    const { problems, missed } = await this.#try(points);
    const alone = points.length === 1;
    const all = this.#options.sample === undefined;
    if (alone || !all) this.missed.push(...missed.map(nameOf));
    // One kill may be the reason that it never comes to another.
    else queue.push(...missed.map((point) => [point]));
    if (problems.length === 0) return;
    const repeat = `KRIPTIK_FAULT='${points.map(nameOf).join(AND)}' npx vitest run --project faults test/faults/${this.#options.file}`;
    const alarm = [`killed ${points.map(nameOf).join(AND)}:`, ...problems, `repeat: ${repeat}`].join('\n  ');
    this.alarms.push(alarm);
    // A whole sweep takes long: nobody is to wait for its end to hear of this.
    console.warn(alarm);
    if (!alone) queue.push(...points.filter((point) => !missed.includes(point)).map((point) => [point]));
  }

  async #try(points: readonly Point[]): Promise<{ problems: string[]; missed: readonly Point[] }> {
    const { cluster, scenario, site, prefix } = this.#options;
    const started = performance.now();
    this.runs += 1;
    try {
      const run = { cluster, scenario, site, name: `${prefix}-${this.runs}` };
      const { end, broken, missed } = await runPoints({ ...run, points });
      const problems = [...broken];
      if (!isDeepStrictEqual(end, this.#clean)) {
        problems.push(`it ended as ${JSON.stringify(end)}`, `and without a fault as ${JSON.stringify(this.#clean)}`);
      }
      return { problems, missed };
    } catch (error) {
      return { problems: [String(error)], missed: [] };
    } finally {
      this.spentMs += performance.now() - started;
    }
  }
}

/** One line for people. */
export function told({ scenario, generated, pruned, points, runs, missed, alarms, machineMinutes }: Score): string {
  const parts = [
    `a goal that ${scenario}: ${generated} points generated (${pruned} pruned), ${points} run in ${runs} runs, ${generated - points} not run`,
    `${missed.length} never came${missed.length === 0 ? '' : ` (${missed.join('; ')})`}`,
    `${alarms.length} alarms, ${machineMinutes.toFixed(1)} machine minutes`,
  ];
  return parts.join('; ');
}
