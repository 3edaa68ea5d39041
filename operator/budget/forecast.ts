import { addMoney, costOver, formatUsd, type MicroUsd, subtractMoney } from '../money.ts';

export interface ForecastInput {
  readonly spent: MicroUsd;
  readonly limit: MicroUsd;
  /** Per hour, fee included. */
  readonly rate: MicroUsd;
  readonly reserve: MicroUsd;
  readonly step: number;
  readonly totalSteps: number;
  /** Measured. */
  readonly secondsPerStep: number;
  /** Export and final checkpoint after the last step, in ms. */
  readonly finishMs: number;
}

export interface Forecast {
  readonly atCompletion: MicroUsd;
  readonly fits: boolean;
  /** What a person can do when it does not fit; empty when it does. */
  readonly options: readonly string[];
}

/** Cost at completion from the measured speed, and the choices left when the budget will not hold it. */
export function forecastCost(input: ForecastInput): Forecast {
  const remaining = Math.max(0, input.totalSteps - input.step);
  const remainingMs = remaining * input.secondsPerStep * 1000 + input.finishMs;
  const atCompletion = addMoney(input.spent, costOver(input.rate, remainingMs));
  const needed = addMoney(atCompletion, input.reserve);
  if (needed < input.limit) return { atCompletion, fits: true, options: [] };
  const raiseBy = addMoney(subtractMoney(needed, input.limit), costOver(input.rate, 60_000));
  return {
    atCompletion,
    fits: false,
    options: [
      `raise the budget by ${formatUsd(raiseBy)} to finish all ${input.totalSteps} steps`,
      `train fewer steps: about ${stepsThatFit(input)} of ${input.totalSteps} fit`,
      'choose a cheaper GPU or a smaller model in a new plan',
    ],
  };
}

/** Last step that the limit can pay for, the finish and the reserve included. */
function stepsThatFit(input: ForecastInput): number {
  const finish = addMoney(costOver(input.rate, input.finishMs), input.reserve);
  const left = Math.max(0, subtractMoney(input.limit, addMoney(input.spent, finish)));
  const perStep = costOver(input.rate, input.secondsPerStep * 1000);
  if (perStep <= 0) return input.totalSteps;
  return Math.min(input.totalSteps, input.step + Math.floor(left / perStep));
}
