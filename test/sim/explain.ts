import type { Violation } from './invariants.ts';
import type { Failure } from './pool.ts';
import type { Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';
import { World } from './world.ts';

/** The part of a story that people read at most, in lines. */
const STORY_LINES = 120;

/** Whether a schedule still breaks the invariant that was broken first. */
export async function breaksLike(schedule: Schedule, [first]: readonly Violation[]): Promise<boolean> {
  const { broken } = await new World(schedule).run();
  return broken.some((one) => one.invariant === first?.invariant);
}

/** What a person needs to find the cause: the smallest schedule that fails, its story, and how to repeat it. */
export async function explain({ seed, schedule, broken }: Failure): Promise<string> {
  const smallest = await shrink(schedule, (candidate) => breaksLike(candidate, broken));
  const { broken: still, story } = await new World(smallest, { story: true }).run();
  return [
    `seed ${seed} breaks ${broken.map(tell).join('\n  ')}`,
    `the smallest schedule that does: ${JSON.stringify(smallest, null, 2)}`,
    ...story.slice(-STORY_LINES),
    ...still.map(tell),
    `repeat it: KRIPTIK_SIM_SEED=${seed} npx vitest run --project unit test/sim/schedules.test.ts`,
    `keep it: node test/sim/search.ts ${seed} ${seed + 1}, which writes test/sim/regressions/seed-${seed}.json`,
  ].join('\n');
}

export function tell({ invariant, at, text }: Violation): string {
  return `[${invariant}] at ${at.toFixed(2)} s: ${text}`;
}
