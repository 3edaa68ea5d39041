import { expect, it } from 'vitest';
import { prove, runCount } from './runs.ts';

const RUNS = runCount(50);

// Crashes, cut connections, late and unseen watch events, refused creations, slow kills: none may change the end.
it(`${RUNS} seeds of a disturbed operator end as an undisturbed one`, { timeout: 3_600_000 }, async () => {
  let crashes = 0;
  for (let seed = 0; seed < RUNS; seed++) crashes += (await prove('operator', seed)).crashes;
  expect(crashes).toBeGreaterThan(RUNS / 4);
});
