import type { Hyperparameters } from '@kriptik/crds';
import type { Estimate } from '../estimator/estimate.ts';
import type { MicroUsd } from '../money.ts';
import { formatUsd, millisecondsFor } from '../money.ts';
import type { PlanContext, Problem } from './candidate.ts';

/** A run that was worked out, as far as its length goes. */
interface Length {
  readonly figures: Estimate;
  readonly steps: number;
  readonly hyperparameters: Hyperparameters;
  readonly price: MicroUsd;
}

const YEAR_SECONDS = 365 * 86_400;

/** What speaks against a run of decades or of a fortune: the field that asks for it, and what the limit pays for. */
export function extentProblem(context: PlanContext, { figures, steps, ...run }: Length): Problem | undefined {
  if (!figures.beyond) return undefined;
  const { epochs, maxSteps } = run.hyperparameters;
  const { limit, data, contract } = context;
  const { time } = figures;
  const years = about(time.expected);
  if (time.startSeconds > time.expected / 2) {
    return tooLarge(
      `spec.data[].rows: reading ${count(data.rows)} rows alone takes about ${years}; name those that are used`,
    );
  }
  const most = Math.min(millisecondsFor(limit, run.price) / 1000, YEAR_SECONDS);
  // What is not the steps, the fee among it, takes a share of the limit, too.
  const share = Math.min(1, (most / time.expected) * 0.8);
  const fit = `within ${formatUsd(limit)} and a year about`;
  const takes = `${count(steps)} steps take about ${years}`;
  if (maxSteps !== undefined && steps === maxSteps) {
    return tooLarge(`spec.constraints.maxSteps: ${takes}; ${fit} ${count(steps * share)} steps fit`);
  }
  const passes = epochs ?? 1;
  const stated = contract.constraints.epochs !== undefined;
  const asked = `spec.data[].rows: ${count(data.rows)} rows${stated ? ', spec.constraints.epochs:' : ' in'} ${count(passes)} passes`;
  const fewer = stated && passes * share >= 1 ? `, or ${count(passes * share)} passes over these` : '';
  return tooLarge(`${asked}: ${takes}; ${fit} ${count(data.rows * share)} rows fit in as many passes${fewer}`);
}

function tooLarge(text: string): Problem {
  return { reason: 'TooLarge', text };
}

function count(value: number): string {
  return Math.floor(value).toLocaleString('en');
}

function about(seconds: number): string {
  const years = seconds / YEAR_SECONDS;
  return years < 10 ? `${years.toFixed(1)} years` : `${count(years)} years`;
}
