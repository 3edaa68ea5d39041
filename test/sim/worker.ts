import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, BatchResult } from './pool.ts';
import type { Schedule } from './schedule.ts';

/** A thread that runs schedules; a planted bug is put in before anything of the operator is loaded. */
const batch = workerData as Batch;
if (batch.mutation !== undefined) (await import('./plant.ts')).plant(batch.mutation);
const { scheduleOf } = await import('./generate.ts');
const { World } = await import('./world.ts');

Error.stackTraceLimit = 0;
const failures: BatchResult['failures'] = [];
const hits: Record<string, number> = {};
let runs = 0;
let virtualMs = 0;
let launches = 0;
for (let index = batch.from; index < batch.to && failures.length < batch.mostFailures; index += batch.stride) {
  const schedule: Schedule = scheduleOf(index);
  const report = await new World(schedule).run();
  runs += 1;
  virtualMs += report.tookMs;
  launches += report.launches;
  for (const kind of Object.keys(report.hits)) hits[kind] = (hits[kind] ?? 0) + 1;
  if (report.broken.length > 0) failures.push({ seed: index, schedule, broken: report.broken });
  if (report.broken.some(({ invariant }) => invariant === batch.until)) break;
}
parentPort?.postMessage({ runs, failures, hits, virtualMs, launches } satisfies BatchResult);
