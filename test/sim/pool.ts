import { Worker } from 'node:worker_threads';
import type { Invariant, Violation } from './invariants.ts';
import type { Schedule } from './schedule.ts';

/** Seeds that one thread runs: from `from`, every `stride`th below `to`. */
export interface Batch {
  readonly from: number;
  readonly to: number;
  readonly stride: number;
  /** Stops after so many failing runs. */
  readonly mostFailures: number;
  /** Name of a bug to plant into the operator. */
  readonly mutation?: string;
  /** Stops as soon as this broke. */
  readonly until?: Invariant;
}

export interface Failure {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly broken: readonly Violation[];
}

export interface BatchResult {
  readonly runs: number;
  readonly failures: Failure[];
  /** In how many runs each kind of fault struck, or each kind of deed was done. */
  readonly hits: Record<string, number>;
  readonly virtualMs: number;
  readonly launches: number;
}

/** Runs the seeds from `from` to before `to` in `threads` threads. */
export async function runSeeds(
  from: number,
  to: number,
  { threads = 2, mostFailures = 5, ...bug }: Partial<Omit<Batch, 'from' | 'to' | 'stride'>> & { threads?: number } = {},
): Promise<BatchResult> {
  const batches = Array.from({ length: threads }, (_, index) => ({
    from: from + index,
    to,
    stride: threads,
    mostFailures,
    ...bug,
  }));
  const results = await Promise.all(batches.map(inThread));
  const hits: Record<string, number> = {};
  for (const one of results)
    for (const [kind, count] of Object.entries(one.hits)) hits[kind] = (hits[kind] ?? 0) + count;
  return {
    runs: sum(results, 'runs'),
    virtualMs: sum(results, 'virtualMs'),
    launches: sum(results, 'launches'),
    failures: results.flatMap((one) => one.failures).sort((a, b) => a.seed - b.seed),
    hits,
  };
}

function sum(results: readonly BatchResult[], field: 'runs' | 'virtualMs' | 'launches'): number {
  return results.reduce((total, one) => total + one[field], 0);
}

function inThread(batch: Batch): Promise<BatchResult> {
  // Runs leave much behind that is short-lived: with more room for it, less of it is looked at twice.
  const resourceLimits = { maxYoungGenerationSizeMb: 128 };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: batch, resourceLimits });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a simulation thread ended with code ${code}`)));
  });
}
