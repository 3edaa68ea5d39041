import { writeFile } from 'node:fs/promises';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { breaksLike, tell } from './explain.ts';
import { runSeeds } from './pool.ts';
import { shrink } from './shrink.ts';

/** Seeds between two reports of a long search. */
const CHUNK = 2_000;

// node test/sim/search.ts FROM TO [THREADS]: looks for schedules that fail and keeps the smallest form of each.
const [from = 0, to = 100_000, threads = 2] = argv.slice(2).map(Number);
let runs = 0;
for (let start = from; start < to; start += CHUNK) {
  const result = await runSeeds(start, Math.min(to, start + CHUNK), { threads, mostFailures: 10 });
  runs += result.runs;
  for (const { seed, schedule, broken } of result.failures) {
    const smallest = await shrink(schedule, (candidate) => breaksLike(candidate, broken));
    const file = fileURLToPath(new URL(`./regressions/seed-${seed}.json`, import.meta.url));
    await writeFile(file, `${JSON.stringify({ about: broken.map(tell)[0], schedule: smallest }, null, 2)}\n`);
    stdout.write(`seed ${seed}: ${broken.map(tell).join('; ')}\n`);
  }
  stdout.write(`${runs} schedules, ${result.failures.length} of the last ${result.runs} failed\n`);
}
