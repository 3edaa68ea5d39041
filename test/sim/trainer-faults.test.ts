import { expect, it } from 'vitest';
import { prove, runCount } from './runs.ts';

const RUNS = runCount(50);

// Trainers that hang, fall silent, die, fail, ignore requests or break their files, on top of all other faults.
it(`${RUNS} seeds of misbehaving trainers keep every invariant`, { timeout: 3_600_000 }, async () => {
  let launches = 0;
  for (let seed = 0; seed < RUNS; seed++) launches += (await prove('any', seed)).launches;
  expect(launches).toBeGreaterThan(RUNS / 2);
});
