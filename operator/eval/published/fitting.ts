import { estimateMemory, memoryOf } from '../../estimator/memory.ts';
import type { Workload } from '../../estimator/workload.ts';
import type { Hints } from './hints.ts';
import type { PublishedRow } from './row.ts';

/** Estimates lie up to 30 % above what was measured: a run that was published did fit. */
const TOLERANCE = 1.25;

/**
 * The reading of a row that fits its card, where the row leaves it open: a
 * smaller micro-step where no batch is given, the batch as that of all GPUs
 * together, recomputation where nothing is said of it. The first reading where none fits.
 */
export function fittingWork(work: Workload, row: PublishedRow, hints: Hints): Workload {
  const recomputed = { ...work, gradientCheckpointing: true };
  const open = hints.checkpointing === undefined && !work.gradientCheckpointing;
  const readings = [
    work,
    ...smaller(work, row, hints),
    ...(open ? [recomputed, ...smaller(recomputed, row, hints)] : []),
  ];
  return readings.find(fits) ?? work;
}

function smaller(work: Workload, { batch, gpus, quantity }: PublishedRow, hints: Hints): readonly Workload[] {
  const { batchSize, gradientAccumulation } = work;
  if (batch === undefined && hints.batch === undefined) {
    return [{ ...work, batchSize: 1, gradientAccumulation: gradientAccumulation * batchSize }];
  }
  // Of a rate, the batch decides little; of a step, all.
  const ofAll = quantity === 'seconds_per_step' && gpus > 1 && batch !== undefined && batch % gpus === 0;
  return ofAll ? [{ ...work, batchSize: batchSize / gpus }] : [];
}

function fits(work: Workload): boolean {
  return Number.isInteger(work.batchSize) && estimateMemory(work).total <= (memoryOf(work.device) ?? 0) * TOLERANCE;
}
