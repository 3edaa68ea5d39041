import { env } from 'node:process';
import { expect, it } from 'vitest';
import { explain } from './explain.ts';
import { kinds } from './kinds.ts';
import { runSeeds } from './pool.ts';

const only = env['KRIPTIK_SIM_SEED'];
/** What continuous integration runs, and what anybody else waits for. */
const COUNT = Number(env['KRIPTIK_SIM_SEEDS'] ?? (env['CI'] === undefined ? 300 : 20_000));
const FROM = only === undefined ? Number(env['KRIPTIK_SIM_FROM'] ?? 0) : Number(only);
const TO = only === undefined ? FROM + COUNT : FROM + 1;
/** Each kind of fault and deed must strike in at least one of so many runs. */
const RARE = 500;

// Random schedules of faults, prices and what people do; every third asks for the end of an undisturbed run.
it(`${TO - FROM} schedules keep every invariant`, { timeout: 3_600_000 }, async () => {
  const began = performance.now();
  const { runs, failures, hits, virtualMs, launches } = await runSeeds(FROM, TO);
  const seconds = (performance.now() - began) / 1000;
  const days = (virtualMs / 86_400_000).toFixed(1);
  process.stdout.write(
    `${runs} schedules, ${launches} instances, ${days} virtual days in ${seconds.toFixed(0)} s. Runs with each fault:\n` +
      `${kinds.map((kind) => `  ${kind}: ${hits[kind] ?? 0}`).join('\n')}\n`,
  );
  const [first] = failures;
  if (first !== undefined) {
    throw new Error(
      `${failures.length} failed: seeds ${failures.map(({ seed }) => seed).join(', ')}\n${await explain(first)}`,
    );
  }
  if (only !== undefined) return;
  expect(kinds.filter((kind) => (hits[kind] ?? 0) < Math.floor(runs / RARE) - 1)).toEqual([]);
});
