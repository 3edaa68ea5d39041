import type { TrainingJobStatus } from '@kriptik/crds';
import type { TrainerStatus } from '../trainer/messages.ts';

type Progress = NonNullable<TrainingJobStatus['progress']>;

/** Points kept for the sparkline. */
const HISTORY = 40;

/** Decimal text of a measured number, short enough for a table; undefined stays undefined. */
function decimal(value: number | null | undefined, digits: number): string | undefined {
  if (value === null || value === undefined || !Number.isFinite(value)) return undefined;
  return String(Number(value.toPrecision(digits)));
}

/** Summary of the trainer's own report. `previous` is what the status said before. */
export function progressOf(report: TrainerStatus, previous: Progress | undefined, now: number): Progress | undefined {
  if (report.totalSteps === null || report.totalSteps === undefined || report.totalSteps <= 0) return previous;
  const step = report.step ?? 0;
  const loss = decimal(report.loss, 4);
  return withoutUndefined({
    step,
    totalSteps: report.totalSteps,
    percent: percentOf(step, report.totalSteps),
    epoch: decimal(epochOf(report), 4),
    loss,
    lossHistory: appendLoss(previous?.lossHistory ?? [], loss, step > (previous?.step ?? -1)),
    learningRate: decimal(report.learningRate, 4),
    tokensPerSecond: decimal(report.tokensPerSecond, 4),
    secondsPerStep: decimal(report.secondsPerStep, 4),
    etaSeconds: report.etaSeconds === null || report.etaSeconds === undefined ? undefined : etaOf(report.etaSeconds),
    stage: stageOf(report),
    device: report.device?.name,
    stepAt: step === previous?.step ? (previous.stepAt ?? previous.updatedAt) : new Date(now).toISOString(),
    updatedAt: new Date(now).toISOString(),
  });
}

/** The most that fields of the status take. */
const MOST = 1_000_000_000;

/** Seconds until the end as the status takes them: whole, and no more than 32 years of them. */
export function etaOf(seconds: number): number {
  return Math.round(Math.min(MOST, Math.max(0, seconds)));
}

/** Passes over the rows, where the figure can be one. */
function epochOf({ epoch }: TrainerStatus): number | undefined {
  return epoch !== null && epoch >= 0 && epoch < MOST ? epoch : undefined;
}

/** Which stage of how many. */
function stageOf({ stage }: TrainerStatus): Progress['stage'] {
  return stage ? { name: stage.name, number: stage.index + 1, count: stage.count } : undefined;
}

/**
 * Progress once an attempt has ended: its last step is known from what it saved, which may be one more than it
 * could report. Never goes back.
 */
export function settledProgress(progress: Progress | undefined, lastStep: number | undefined): Progress | undefined {
  if (progress === undefined || lastStep === undefined || lastStep <= progress.step) return progress;
  return { ...progress, step: lastStep, percent: percentOf(lastStep, progress.totalSteps) };
}

function percentOf(step: number, totalSteps: number): number {
  return Math.min(100, Math.floor((step / totalSteps) * 100));
}

/** Adds a point; when full, every other old point goes but never the first, so that the whole run stays in view. */
export function appendLoss(history: readonly string[], loss: string | undefined, moved: boolean): string[] {
  if (loss === undefined || !moved) return [...history];
  const kept = history.length >= HISTORY ? history.filter((_, index) => index % 2 === 0) : history;
  return [...kept, loss];
}

/** Drops absent fields: the API knows no undefined. */
export function withoutUndefined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
