import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Schedule } from './schedule.ts';
import { World } from './world.ts';

const folder = new URL('./regressions/', import.meta.url);

/** A schedule that once failed, with what was wrong. */
interface Kept {
  readonly about: string;
  readonly schedule: Schedule;
}

const kept = readdirSync(folder).map((file) => {
  const { about, schedule } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Kept;
  return [file, about, schedule] as const;
});

it.each(kept)('%s: %s', async (_file, _about, schedule) => {
  expect((await new World(schedule).run()).broken).toEqual([]);
});
