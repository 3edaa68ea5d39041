import type { TrainingJob } from '@kriptik/crds';
import type { LaunchRequest } from '@kriptik/operator/backends/backend.ts';
import type { SimStore } from './store.ts';

/** What is said of an amendment's job where its beginning is wrong. */
type Breaks = (text: string) => void;

/**
 * The job of an amendment that goes on is made with a checkpoint of at least the step that was approved, where one is
 * there; `before` are the stores of the job that it replaces.
 */
export function checkHandover(job: TrainingJob, before: readonly SimStore[], breaks: Breaks): void {
  const { continues, run } = job.spec;
  const { start } = run.resolved;
  if (continues === undefined || start === undefined) return;
  const { name } = job.metadata;
  const from = continues.checkpoint?.step ?? 0;
  if (start.from === 'Base' && from > 0) breaks(`${name} goes on from step ${from}, and starting over was approved`);
  if (start.from === 'Base' || before.some((store) => store.damagedSince(0))) return;
  const saved = Math.max(0, ...before.map((store) => store.restorableStep));
  const fits = saved < start.lastStep && saved <= (start.soundUntil ?? saved);
  if (from < start.step && fits) breaks(`${name} begins at step ${from}, and step ${start.step} or later was approved`);
  if (fits && from < saved) breaks(`${name} begins at step ${from} although the job before it saved step ${saved}`);
}

/** An attempt of such a job never begins before the checkpoint that was handed over, as long as that is whole. */
export function checkFirstStep(
  { name, spec }: LaunchRequest,
  job: TrainingJob,
  before: readonly SimStore[],
  breaks: Breaks,
): void {
  const handed = job.spec.continues?.checkpoint;
  const from = spec.resume?.step ?? 0;
  if (handed === undefined || from >= handed.step) return;
  if (before.some((store) => store.isRestorable(handed.manifestSha256)))
    breaks(`${name} starts at step ${from} although step ${handed.step} was handed over`);
}

/** Whether an attempt begins with what another job saved. */
export function goesOn({ spec }: LaunchRequest, job: TrainingJob): boolean {
  const handed = job.spec.continues?.checkpoint;
  return handed !== undefined && spec.resume?.manifestSha256 === handed.manifestSha256;
}
