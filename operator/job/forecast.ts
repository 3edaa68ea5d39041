import type { Attempt, PaceMark, TrainingJobStatus } from '@kriptik/crds';
import { type Forecast, type ForecastInput, forecastCost } from '../budget/forecast.ts';
import type { FreezeTimings } from '../budget/limits.ts';
import { mark, paceOf } from '../budget/pace.ts';
import { parseMoney } from '../money.ts';
import { etaOf } from './progress.ts';
import type { JobObserved } from './types.ts';

/** The forecast of a trainer that answers and has made a step. */
export function forecastOf(
  o: JobObserved,
  money: Pick<ForecastInput, 'limit' | 'spent' | 'rate' | 'reserve'> & { readonly timings: FreezeTimings },
): Forecast | undefined {
  if (o.trainer === undefined || !('status' in o.trainer)) return undefined;
  const { step, totalSteps, secondsPerStep } = o.trainer.status;
  if (totalSteps === null || step === 0) return undefined;
  const pace = paceOf(o.job.status?.pace, secondsPerStep);
  if (pace === undefined) return undefined;
  const { limit, spent, rate, reserve, timings } = money;
  // The last checkpoint and the export write the weights about twice.
  const finishMs = 2 * timings.checkpointMs;
  const { epochs } = o.job.spec.run.resolved.hyperparameters;
  return forecastCost({
    limit,
    spent,
    rate,
    reserve,
    step,
    totalSteps,
    pace,
    finishMs,
    before: toldBefore(o),
    ...(epochs !== undefined && { epochs }),
    ...(o.otherGpus && { others: o.otherGpus }),
  });
}

function toldBefore(o: JobObserved): ForecastInput['before'] {
  const { forecastFits, limit } = o.job.status?.cost ?? {};
  return forecastFits === undefined || limit === undefined
    ? undefined
    : { fits: forecastFits, limit: parseMoney(limit) };
}

/** Where the attempt stands at this moment, added to what is remembered of its pace. */
export function markedPace(o: JobObserved, live: Attempt | undefined): readonly PaceMark[] | undefined {
  const before = o.job.status?.pace;
  if (live === undefined || o.trainer === undefined || !('status' in o.trainer)) return before;
  const { phase, step } = o.trainer.status;
  // Loading and exporting are no steps.
  if (phase !== 'training' && phase !== 'checkpointing') return before;
  return mark(before, { attempt: live.number, step, at: new Date(o.now).toISOString() });
}

/** Seconds until the last step, fastest and slowest, for the progress of the status. */
export function etaBand(
  forecast: Forecast | undefined,
): Pick<NonNullable<TrainingJobStatus['progress']>, 'etaLowSeconds' | 'etaHighSeconds'> {
  if (forecast === undefined) return {};
  return { etaLowSeconds: etaOf(forecast.seconds.low), etaHighSeconds: etaOf(forecast.seconds.high) };
}
