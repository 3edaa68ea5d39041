import {
  addMoney,
  costOver,
  formatUsd,
  type MicroUsd,
  maxMoney,
  millisecondsFor,
  minMoney,
  mostMoney,
  mulRatio,
  subtractMoney,
  zeroMoney,
} from '../money.ts';
import type { Pace } from './pace.ts';

/** Another GPU of the approved plan's alternatives. */
export interface OtherGpu {
  readonly title: string;
  /** What the whole run was planned to cost with it, and with the one that was chosen. */
  readonly planned: MicroUsd;
  readonly plannedChosen: MicroUsd;
}

export interface ForecastInput {
  readonly spent: MicroUsd;
  readonly limit: MicroUsd;
  /** Per hour, fee included. */
  readonly rate: MicroUsd;
  readonly reserve: MicroUsd;
  readonly step: number;
  readonly totalSteps: number;
  /** Passes over the data that were approved, where the run is counted in them. */
  readonly epochs?: number | undefined;
  readonly pace: Pace;
  /** Export and final checkpoint after the last step, in ms. */
  readonly finishMs: number;
  readonly others?: readonly OtherGpu[] | undefined;
  /** What was said last, and at which limit. */
  readonly before?: { readonly fits: boolean; readonly limit: MicroUsd } | undefined;
}

export interface Band<T> {
  readonly low: T;
  readonly expected: T;
  readonly high: T;
}

export interface Forecast {
  readonly cost: Band<MicroUsd>;
  /** Until the last step, seconds. */
  readonly seconds: Band<number>;
  readonly fits: boolean;
  /** What a person can do when it does not fit, each with its price; empty when it does. */
  readonly options: readonly string[];
}

/** Once it does not fit, it fits again only below this share of the limit, in percent, or at another limit. */
const FITS_AGAIN_PERCENT = 97;

/** A raise is named with this much on top, in percent: one that is a hair too small freezes again. */
const RAISE_PERCENT = 105;

/** Cost and time at completion from the measured speed, and the choices left when the budget will not hold it. */
export function forecastCost(input: ForecastInput): Forecast {
  const remaining = Math.max(0, input.totalSteps - input.step);
  const seconds = band((which) => remaining * input.pace[which]);
  const cost = band((which) => costAfter(input, seconds[which] * 1000 + input.finishMs));
  const fits = fitsNow(input, cost);
  return { cost, seconds, fits, options: fits ? [] : optionsOf(input, cost) };
}

/** Never more than can be written down: a first step that took long foretells more of many than there is money. */
function costAfter({ spent, rate }: ForecastInput, ms: number): MicroUsd {
  if (rate === zeroMoney) return spent;
  const payable = millisecondsFor(subtractMoney(mostMoney, spent), rate);
  // So many milliseconds are not exact: what they cost may be a micro-dollar more.
  return minMoney(mostMoney, addMoney(spent, costOver(rate, Math.min(ms, payable))));
}

/**
 * Likely is enough to be told: the expected cost decides once the speed was measured, before that even the fastest must
 * not fit. To keep it from changing its mind, fitting again asks for more than not fitting did.
 */
function fitsNow({ limit, reserve, pace, before }: ForecastInput, cost: Band<MicroUsd>): boolean {
  const needed = addMoney(pace.stretches > 0 ? cost.expected : cost.low, reserve);
  const wasTight = before?.fits === false && before.limit === limit;
  return needed < (wasTight ? mulRatio(limit, FITS_AGAIN_PERCENT, 100, 'down') : limit);
}

function optionsOf(input: ForecastInput, cost: Band<MicroUsd>): string[] {
  const { limit, reserve, totalSteps, epochs } = input;
  const wanted = addMoney(subtractMoney(cost.expected, limit), reserve, costOver(input.rate, 60_000));
  const by = maxMoney(wanted, zeroMoney);
  const raise = mulRatio(by, RAISE_PERCENT, 100);
  const fit = stepsThatFit(input);
  const fitted = addMoney(input.spent, costOver(input.rate, timeOf(input, fit)));
  const fewer = `train fewer steps: about ${fit} of ${totalSteps} fit, for ${formatUsd(fitted)}`;
  const share = epochs === undefined ? undefined : Math.floor((epochs * fit * 100) / Math.max(1, totalSteps)) / 100;
  return [
    `raise the budget by ${formatUsd(raise)} to finish all ${totalSteps} steps for ${formatUsd(cost.expected)}`,
    share === undefined || share <= 0 ? fewer : `${fewer} (${share} of ${epochs} epochs)`,
    ...otherGpus(input, cost.expected),
    'choose a smaller model in a new plan',
  ];
}

/** GPUs that would do the rest for less, by what the plan reckoned of both; the cheapest first, at most two. */
function otherGpus({ spent, others = [] }: ForecastInput, expected: MicroUsd): string[] {
  const rest = maxMoney(zeroMoney, subtractMoney(expected, spent));
  return others
    .filter(({ planned, plannedChosen }) => planned < plannedChosen && plannedChosen > zeroMoney)
    .map(({ title, planned, plannedChosen }) => ({ title, rest: mulRatio(rest, planned, plannedChosen) }))
    .sort((a, b) => a.rest - b.rest)
    .slice(0, 2)
    .map(
      (other) =>
        `use ${other.title} in a new plan: the rest for about ${formatUsd(other.rest)} instead of ${formatUsd(rest)}`,
    );
}

/** Last step that the limit can pay for, the finish and the reserve included. */
function stepsThatFit(input: ForecastInput): number {
  const finish = addMoney(costOver(input.rate, input.finishMs), input.reserve);
  const left = Math.max(0, subtractMoney(input.limit, addMoney(input.spent, finish)));
  const perStep = subtractMoney(costAfter(input, input.pace.expected * 1000), input.spent);
  if (perStep <= 0) return input.totalSteps;
  return Math.min(input.totalSteps, input.step + Math.floor(left / perStep));
}

function timeOf(input: ForecastInput, untilStep: number): number {
  return (untilStep - input.step) * input.pace.expected * 1000 + input.finishMs;
}

function band<T>(of: (which: keyof Band<T>) => T): Band<T> {
  return { low: of('low'), expected: of('expected'), high: of('high') };
}
