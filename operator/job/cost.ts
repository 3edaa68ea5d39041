import type { Attempt, TrainingJobStatus } from '@kriptik/crds';
import { type Forecast, forecastCost } from '../budget/forecast.ts';
import { type BilledSpan, billedRate, spanCost, spendOf } from '../budget/ledger.ts';
import { type FreezeTimings, percentUsed, reserveFor } from '../budget/limits.ts';
import { addMoney, costOver, formatMoney, type MicroUsd, minMoney, parseMoney, zeroMoney } from '../money.ts';
import type { JobObserved } from './types.ts';

/** The job's money at one moment; all amounts in micro-dollars, the rate per hour with the fee. */
export interface JobMoney {
  readonly limit: MicroUsd;
  readonly spent: MicroUsd;
  readonly rate: MicroUsd;
  readonly reserve: MicroUsd;
  readonly timings: FreezeTimings;
  readonly forecast?: Forecast | undefined;
}

type JobCost = NonNullable<TrainingJobStatus['cost']>;

export function billedSpan(attempt: Attempt): BilledSpan {
  return {
    unitPricePerHour: parseMoney(attempt.unitPricePerHour),
    createdAt: Date.parse(attempt.createdAt),
    goneAt: attempt.goneAt === undefined ? undefined : Date.parse(attempt.goneAt),
  };
}

/**
 * The limit in force: what was approved, moved by a raise or a cut of the goal's budget, and never above the ceiling
 * that policies set for a job. Raises are guarded at admission; without a goal the approved limit stands.
 */
export function effectiveLimit(o: JobObserved): MicroUsd {
  const wanted = wantedLimit(o);
  return o.ceiling === undefined ? wanted : minMoney(wanted, o.ceiling.limit);
}

/** Whose ceiling, not the budget, holds the limit down; undefined when none does. */
export function cappedBy(o: JobObserved): string | undefined {
  if (o.ceiling === undefined || o.ceiling.limit >= wantedLimit(o)) return undefined;
  return `TrainingPolicy ${o.ceiling.policies.join(', ')}`;
}

function wantedLimit(o: JobObserved): MicroUsd {
  return parseMoney(o.goal?.limit ?? o.job.spec.run.quote.limit);
}

/** How long a freeze takes, from the worst measured checkpoint and step or cautious assumptions. */
export function freezeTimings(o: JobObserved): FreezeTimings {
  const seen = Number(o.job.status?.checkpointSeconds ?? Number.NaN) * 1000;
  const reported = trainerSeconds(o, 'checkpointSeconds') * 1000;
  const worst = Math.max(Number.isFinite(seen) ? seen : 0, Number.isFinite(reported) ? reported : 0);
  const step = trainerSeconds(o, 'secondsPerStep') * 1000;
  const lastStep = Number(o.job.status?.progress?.secondsPerStep ?? 0) * 1000;
  return {
    checkpointMs: worst > 0 ? worst : o.settings.assumedCheckpointMs,
    stepMs: Math.max(Number.isFinite(step) ? step : 0, lastStep),
    teardownMs: o.settings.teardownMs,
    detectionMs: o.settings.pollMs,
  };
}

/** Seconds the trainer reports under `field`, NaN when it has not measured them. */
function trainerSeconds(o: JobObserved, field: 'checkpointSeconds' | 'secondsPerStep'): number {
  if (o.trainer === undefined || !('status' in o.trainer)) return Number.NaN;
  return o.trainer.status[field] ?? Number.NaN;
}

/** Adds up what the attempts cost until `now`, and what a freeze still needs. */
export function moneyOf(o: JobObserved, attempts: readonly Attempt[]): JobMoney {
  const folded = parseMoney(o.job.status?.attemptsFolded?.cost ?? '0');
  const spent = spendOf(attempts.map(billedSpan), folded, zeroMoney, o.now).total;
  const live = attempts.find((attempt) => attempt.state !== 'Gone');
  const rate = billedRate(parseMoney(live?.unitPricePerHour ?? o.job.spec.run.quote.unitPricePerHour));
  const timings = freezeTimings(o);
  const limit = effectiveLimit(o);
  const reserve = reserveFor(rate, timings);
  return { limit, spent, rate, reserve, timings, forecast: forecastOf(o, { limit, spent, rate, reserve }) };
}

/**
 * Whether the limit leaves room for another attempt that gets somewhere: its start, and the reserve. Less would be
 * spent on loading a model and saving it unchanged.
 */
export function hasRoomToStart(o: JobObserved, { limit, spent, rate, reserve }: JobMoney): boolean {
  return addMoney(spent, reserve, costOver(rate, o.settings.assumedStartMs)) < limit;
}

function forecastOf(
  o: JobObserved,
  money: Pick<JobMoney, 'limit' | 'spent' | 'rate' | 'reserve'>,
): Forecast | undefined {
  if (o.trainer === undefined || !('status' in o.trainer)) return undefined;
  const { step, totalSteps, secondsPerStep } = o.trainer.status;
  if (totalSteps === null || secondsPerStep === null || step === null || step === 0) return undefined;
  // The last checkpoint and the export write the weights about twice.
  const finishMs = 2 * freezeTimings(o).checkpointMs;
  return forecastCost({ ...money, step, totalSteps, secondsPerStep, finishMs });
}

/** The cost block of the status. `running` says whether money is being spent at `now`. */
export function costStatus(o: JobObserved, attempts: readonly Attempt[], money: JobMoney, running: boolean): JobCost {
  const folded = parseMoney(o.job.status?.attemptsFolded?.cost ?? '0');
  const spend = spendOf(attempts.map(billedSpan), folded, zeroMoney, o.now);
  const asOf = running ? new Date(o.now).toISOString() : settledAt(o, attempts);
  const forecast = running ? money.forecast : undefined;
  return {
    currency: 'USD',
    limit: formatMoney(money.limit),
    approvedLimit: o.job.spec.run.quote.limit,
    spent: formatMoney(spend.total),
    compute: formatMoney(spend.compute),
    storage: formatMoney(spend.storage),
    platformFee: formatMoney(spend.platformFee),
    reserve: formatMoney(running ? money.reserve : zeroMoney),
    percentUsed: Math.min(100_000, percentUsed(spend.total, money.limit)),
    ratePerHour: formatMoney(running ? money.rate : zeroMoney),
    asOf,
    ...(forecast && {
      forecast: formatMoney(forecast.atCompletion),
      forecastFits: forecast.fits,
      options: [...forecast.options],
    }),
  };
}

/** A settled cost keeps the moment it settled, so that at rest nothing is written. */
function settledAt(o: JobObserved, attempts: readonly Attempt[]): string {
  const last = attempts.at(-1)?.goneAt;
  return last ?? o.job.status?.cost?.asOf ?? new Date(o.now).toISOString();
}

/** What one ended attempt cost, fee not included, as written into it. */
export function attemptCost(attempt: Attempt, now: number): string {
  return formatMoney(spanCost(billedSpan(attempt), now));
}
