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

/** Lets the scenario happen with the operator killed at the point, once. `reached` tells whether it came to that. */
export async function runPoint(
  options: Pick<RunOptions, 'cluster' | 'name' | 'site'> & { scenario: Scenario; point: Point },
): Promise<Outcome & { reached: boolean }> {
  const { point, ...others } = options;
  let struck = false;
  if (point.kind === 'write') {
    const fault = (lane: Lane, _call: unknown, write: LoggedWrite | undefined) => {
      if (struck || write?.label !== point.label) return undefined;
      struck = true;
      return lane.killed(point.when);
    };
    return { ...(await runScenario({ ...others, fault })), reached: struck };
  }
  let watching = true;
  let watcher: Promise<void> | undefined;
  const watch = async (lane: Lane): Promise<void> => {
    while (watching) {
      if (await written(lane.world.workDir, point.attempt, point.file)) {
        struck = true;
        await lane.kill();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const disturb = (lane: Lane): void => {
    watcher ??= watch(lane);
  };
  try {
    const outcome = await runScenario({ ...others, disturb });
    return { ...outcome, reached: struck };
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
      if (
        await access(join(instances, name, file)).then(
          () => true,
          () => false,
        )
      )
        return true;
    }
  }
  return false;
}
