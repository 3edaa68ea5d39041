import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoggedWrite } from '../support/proxy-call.ts';
import type { Lane } from './lane.ts';
import { type Outcome, type RunOptions, runScenario } from './run.ts';
import type { Scenario } from './scenarios.ts';

type When = 'before' | 'committed' | 'replied';

/** One moment at which the operator is killed. */
export type Point =
  /** Around the first write that says so. */
  | { readonly kind: 'write'; readonly label: string; readonly when: When }
  /** As soon as the local backend has written this file of this attempt (1 is the first). */
  | { readonly kind: 'backend'; readonly attempt: number; readonly file: string };

const MOMENTS: readonly When[] = ['before', 'committed', 'replied'];

/** What the backend leaves behind of each of its calls, in the order in which that happens. */
const FILES = ['launch.json', 'supervisor.json', 'stop.json', 'exit.json', 'released.json'];

/** Between two looks for a file of the backend, in ms. */
const LOOK_MS = 3;

export const nameOf = (point: Point): string =>
  point.kind === 'write'
    ? `${point.when === 'before' ? 'before' : `${point.when}:`} ${point.label}`
    : `attempt ${point.attempt}: ${point.file}`;

/**
 * The moments of a clean run. A write that says what another said before it, and one that changed nothing, is left
 * out; what came of it cannot differ.
 */
export function pointsOf({ writes, end, local }: Outcome): { points: Point[]; pruned: number } {
  const effective = writes.filter((write) => write.effective);
  const labels = [...new Set(effective.map(({ label }) => label))];
  const around = labels.flatMap((label) => MOMENTS.map((when): Point => ({ kind: 'write', label, when })));
  // A cluster is written to through the API server alone.
  const attempts = local ? Array.from({ length: end.started }, (_, n) => n + 1) : [];
  const backend = attempts.flatMap((attempt) => FILES.map((file): Point => ({ kind: 'backend', attempt, file })));
  return { points: [...around, ...backend], pruned: (writes.length - labels.length) * MOMENTS.length };
}

/**
 * Lets the scenario happen with the operator killed at each of the points, once. `missed` are those to which it did not
 * come.
 */
export async function runPoints(
  options: Pick<RunOptions, 'cluster' | 'name' | 'site'> & { scenario: Scenario; points: readonly Point[] },
): Promise<Outcome & { missed: Point[] }> {
  const { points, ...others } = options;
  const left = new Set(points);
  const fault = (lane: Lane, _call: unknown, write: LoggedWrite | undefined) => {
    const point = [...left].find((one) => one.kind === 'write' && one.label === write?.label);
    if (point?.kind !== 'write') return undefined;
    left.delete(point);
    return lane.killed(point.when);
  };
  const files = points.filter((point) => point.kind === 'backend');
  let watching = files.length > 0;
  let watcher: Promise<void> | undefined;
  const watch = async (lane: Lane): Promise<void> => {
    while (watching && files.some((one) => left.has(one))) {
      for (const point of files.filter((one) => left.has(one))) {
        if (!(await written(lane.world.workDir, point.attempt, point.file))) continue;
        left.delete(point);
        await lane.kill();
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const disturb = (lane: Lane): void => {
    watcher ??= watch(lane);
  };
  try {
    const outcome = await runScenario({ ...others, fault, disturb });
    return { ...outcome, missed: [...left] };
  } finally {
    watching = false;
    await watcher;
  }
}

async function written(workDir: string, attempt: number, file: string): Promise<boolean> {
  for (const cluster of await readdir(workDir).catch(() => [])) {
    const instances = join(workDir, cluster, 'instances');
    for (const name of await readdir(instances).catch(() => [])) {
      if (name.startsWith('.') || !name.endsWith(`-${attempt}`)) continue;
      const path = join(instances, name, file);
      if ((await access(path).catch(() => 'missing')) === undefined) return true;
    }
  }
  return false;
}
