import type { Attempt, Cost } from '@kriptik/crds';
import type { Forecast } from '../budget/forecast.ts';
import { billedSpan, computeAt, isKnownToExist } from '../budget/job-ledger.ts';
import { billedRate, type Spend, spanCost, spendOf } from '../budget/ledger.ts';
import { type FreezeTimings, percentUsed, reserveFor } from '../budget/limits.ts';
import { type Meter, meterAt } from '../budget/storage.ts';
import { worst } from '../budget/timings.ts';
import {
  addMoney,
  formatMoney,
  type MicroUsd,
  maxMoney,
  microUsd,
  minMoney,
  parseMoney,
  subtractMoney,
  zeroMoney,
} from '../money.ts';
import { sameJson } from '../runtime/json.ts';
import { forecastOf } from './forecast.ts';
import { billedAttempts } from './freed.ts';
import { holdOf, meteredNow, storageRate, storedRate } from './stored.ts';
import type { JobObserved, ProviderView } from './types.ts';

/** The job's money at one moment; all amounts in micro-dollars, the rate per hour with the fee. */
export interface JobMoney {
  readonly limit: MicroUsd;
  readonly spent: MicroUsd;
  /** Compute, and the storage that comes with it. */
  readonly rate: MicroUsd;
  /** Kept back to save the work in time, and to keep it for a while. */
  readonly reserve: MicroUsd;
  /** The part of the reserve that keeps the work after a freeze. */
  readonly hold: MicroUsd;
  /** Where the money for instances ends: the limit less the hold. */
  readonly runLimit: MicroUsd;
  readonly timings: FreezeTimings;
  readonly meter?: Meter | undefined;
  readonly forecast?: Forecast | undefined;
}

/**
 * The limit in force: what was approved, moved by a raise or a cut of the goal's budget, and never above the ceiling
 * that policies set for a job. Raises are guarded at admission; without a goal the approved limit stands, less a cut: to
 * delete a goal and leave its job must undo nothing.
 */
export function effectiveLimit(o: Wanted): MicroUsd {
  const wanted = wantedLimit(o);
  return o.ceiling === undefined ? wanted : minMoney(wanted, o.ceiling.limit);
}

/** Whose ceiling, not the budget, holds the limit down; undefined when none does. */
export function cappedBy(o: Wanted): string | undefined {
  if (o.ceiling === undefined || o.ceiling.limit >= wantedLimit(o)) return undefined;
  return `TrainingPolicy ${o.ceiling.policies.join(', ')}`;
}

/** What the limit follows from. */
type Wanted = Pick<JobObserved, 'job' | 'goal' | 'ceiling'>;

function wantedLimit(o: Wanted): MicroUsd {
  if (o.goal !== undefined) return parseMoney(o.goal.limit);
  const { run, continues } = o.job.spec;
  const told = o.job.status?.cost?.limit;
  const approved = minMoney(parseMoney(run.quote.limit), parseMoney(told ?? run.quote.limit));
  if (continues === undefined) return approved;
  // What the job before spent between proposal and approval is gone from what was left then.
  const meanwhile = subtractMoney(parseMoney(continues.spent), parseMoney(continues.agreed));
  return maxMoney(zeroMoney, minMoney(approved, subtractMoney(parseMoney(run.contract.budget.limit), meanwhile)));
}

/** How long a freeze takes: the worst measured on this provider lately, or cautious assumptions. */
export function freezeTimings(o: JobObserved, provider: string): FreezeTimings {
  const { timings, progress } = o.job.status ?? {};
  const saved = worst(timings, provider, 'checkpointSeconds') ?? trainerSeconds(o, 'checkpointSeconds');
  const step = trainerSeconds(o, 'secondsPerStep') * 1000;
  const lastStep = Math.min(LONGEST_SECONDS, Number(progress?.secondsPerStep ?? 0)) * 1000;
  return {
    checkpointMs: saved > 0 ? saved * 1000 : o.settings.assumedCheckpointMs,
    stepMs: Math.max(Number.isFinite(step) ? step : 0, lastStep),
    teardownMs: Math.max(
      o.settings.teardownMs,
      o.teardowns?.get(provider) ?? 0,
      (worst(timings, provider, 'teardownSeconds') ?? 0) * 1000,
    ),
    detectionMs: o.settings.pollMs + o.settings.lateMs,
  };
}

/** A step or a save that takes longer is a fault of whoever measured it, seconds. */
const LONGEST_SECONDS = 86_400;

/** Seconds the trainer reports under `field`, NaN when it has not measured them. */
function trainerSeconds(o: JobObserved, field: 'checkpointSeconds' | 'secondsPerStep'): number {
  if (o.trainer === undefined || !('status' in o.trainer)) return Number.NaN;
  return Math.min(LONGEST_SECONDS, o.trainer.status[field] ?? Number.NaN);
}

/** Compute until now; of an attempt that ended by a clock ahead of ours, all of it, but of one that lives none of that. */
function computeUntilNow(o: JobObserved, attempts: readonly Attempt[]): MicroUsd {
  const billed = billedAttempts(o, attempts);
  const ends = billed.flatMap(({ goneAt }) => (goneAt === undefined ? [] : [Date.parse(goneAt)]));
  const gone = billed.filter(({ goneAt }) => goneAt !== undefined);
  const live = billed.filter(({ goneAt }) => goneAt === undefined);
  const past = computeAt(gone, o.job.status?.attemptsFolded, Math.max(o.now, ...ends));
  return addMoney(past, computeAt(live, undefined, o.now));
}

/** Compute, storage and fee of these attempts until now. */
function spendOfJob(o: JobObserved, attempts: readonly Attempt[], meter: Meter | undefined): Spend {
  const compute = computeUntilNow(o, attempts);
  return spendOf(compute, meter === undefined ? zeroMoney : meterAt(meter, o.now));
}

/** A provider and what the whole instance costs an hour there. */
export type Priced = Pick<ProviderView, 'name' | 'unitPricePerHour'>;

/**
 * Adds up what attempts and storage cost until now, and what a freeze still needs: at the price of the attempt that is
 * live, else of the provider that `next` would begin one on, else of the provider that was planned with.
 */
export function moneyOf(o: JobObserved, attempts: readonly Attempt[], next?: Priced): JobMoney {
  const live = attempts.find((attempt) => attempt.state !== 'Gone');
  const limit = effectiveLimit(o);
  const meter = meteredNow(o, attempts, (accrued) => leftOf(o, attempts, limit, accrued));
  const spent = spendOfJob(o, attempts, meter).total;
  const unitPrice = parseMoney((live ?? next ?? o.job.spec.run.quote).unitPricePerHour);
  const rate = billedRate(addMoney(unitPrice, storageRate(o)));
  const timings = freezeTimings(o, live?.provider ?? next?.name ?? o.job.spec.run.resolved.compute.provider);
  const hold = holdOf(o, limit);
  const reserve = addMoney(reserveFor(rate, timings), hold);
  const money = { limit, spent, rate, reserve, hold, runLimit: runLimitOf(limit, hold), timings, meter };
  return { ...money, forecast: forecastOf(o, money) };
}

/** Where the money for instances ends: below it lies what keeps the work after a freeze. */
export function runLimitOf(limit: MicroUsd, hold: MicroUsd): MicroUsd {
  return maxMoney(zeroMoney, subtractMoney(limit, hold));
}

/** Rounding of storage and fee, at most; so that what is left for storage never ends above the limit. */
const ROUNDING = microUsd(3);

/** Money of the limit that may still go to storage, fee included, while nothing runs. */
function leftOf(o: JobObserved, attempts: readonly Attempt[], limit: MicroUsd, accrued: MicroUsd): MicroUsd {
  const compute = computeUntilNow(o, attempts);
  return maxMoney(zeroMoney, subtractMoney(limit, addMoney(spendOf(compute, accrued).total, ROUNDING)));
}

/** The cost block of the status. `running` says whether money is being spent on an instance at `now`. */
export function costStatus(o: JobObserved, attempts: readonly Attempt[], money: JobMoney, running: boolean): Cost {
  const before = o.job.status?.cost;
  const next = notBelow(before, costNow(o, attempts, money, running));
  return before !== undefined && !running && keeps(o, before, next) ? before : next;
}

function costNow(o: JobObserved, attempts: readonly Attempt[], money: JobMoney, running: boolean): Cost {
  const spend = spendOfJob(o, attempts.filter(isKnownToExist), money.meter);
  const kept =
    money.meter === undefined || money.meter.until === money.meter.since ? zeroMoney : storedRate(money.meter);
  const metered = running || money.meter !== undefined;
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
    ...(running && money.hold > 0 && { hold: formatMoney(money.hold) }),
    percentUsed: Math.min(1_000_000, percentUsed(spend.total, money.limit)),
    ratePerHour: formatMoney(running ? money.rate : kept),
    asOf: metered ? new Date(o.now).toISOString() : settledAt(o, attempts),
    ...(forecast && {
      forecast: formatMoney(forecast.cost.expected),
      forecastLow: formatMoney(forecast.cost.low),
      forecastHigh: formatMoney(forecast.cost.high),
      forecastFits: forecast.fits,
      options: [...forecast.options],
    }),
  };
}

/** What was told as spent stands until more is, whatever is learned of an earlier attempt. */
function notBelow(before: Cost | undefined, next: Cost): Cost {
  if (before === undefined || parseMoney(next.spent) >= parseMoney(before.spent)) return next;
  const { spent, compute, storage, platformFee } = before;
  const percent = Math.min(1_000_000, percentUsed(parseMoney(spent), parseMoney(next.limit)));
  return { ...next, spent, compute, storage, platformFee, percentUsed: percent };
}

/** At rest, what storage adds is written once a day and a cent, or where a line is crossed; readers compute the rest. */
const REST_MS = 86_400_000;
const CENT = microUsd(10_000);

function keeps(o: JobObserved, before: Cost, next: Cost): boolean {
  const { alertAt, warnAt } = o.goal ?? o.job.spec.run.contract.budget;
  const fixed = ({ spent: _1, storage: _2, platformFee: _3, percentUsed: _4, asOf: _5, ...rest }: Cost): object => rest;
  if (!sameJson(fixed(before), fixed(next))) return false;
  const crossed = [alertAt, warnAt, 100].some((line) => before.percentUsed < line !== next.percentUsed < line);
  const grown = subtractMoney(parseMoney(next.spent), parseMoney(before.spent));
  const due = o.now - Date.parse(before.asOf) >= REST_MS && grown >= CENT;
  return !crossed && !due && grown >= 0;
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
