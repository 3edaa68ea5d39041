import type { Quote, StageQuote } from '@kriptik/crds';
import { PLATFORM_FEE_PERCENT } from '../estimator/cost.ts';
import { addMoney, formatMoney, formatUsd, subtractMoney } from '../money.ts';
import type { PlanContext } from './candidate.ts';
import type { Decision } from './decide.ts';
import type { Figures } from './figures.ts';
import { figuresOf, sumFigures } from './figures.ts';
import type { StageDecision } from './stages.ts';

/** What a decision costs, as the API carries it; of a plan of several stages each, and their sums. */
export function quoteOf(context: PlanContext, decision: Decision): Quote {
  const { chosen, staged } = decision;
  const figures = figuresOf(decision, context.limit);
  const { offer } = chosen.compute;
  const message = messageOf(context, decision, figures);
  return {
    currency: 'USD',
    unitPricePerHour: formatMoney(chosen.pricePerHour),
    priceSource: offer.priceSource.slice(0, 253),
    priceAsOf: offer.priceAsOf,
    ...amounts(figures),
    platformFeePercent: PLATFORM_FEE_PERCENT,
    limit: formatMoney(context.limit),
    reserve: formatMoney(figures.cost.reserve),
    fits: figures.fits,
    ...(message !== undefined && { message }),
    ...(staged !== undefined && { stages: staged.stages.map((stage) => stageQuote(context, stage)) }),
  };
}

/** Hours as the API carries them, to the second. */
export function hoursText(seconds: number): string {
  return (seconds / 3600).toFixed(4).replace(/\.?0+$/, '');
}

function stageQuote({ limit }: PlanContext, { recipe, candidate, run }: StageDecision): StageQuote {
  const { offer } = candidate.compute;
  return {
    name: recipe.name,
    unitPricePerHour: formatMoney(candidate.pricePerHour),
    priceSource: offer.priceSource.slice(0, 253),
    priceAsOf: offer.priceAsOf,
    ...amounts(sumFigures([run], limit)),
  };
}

function amounts({ steps, seconds, cost }: Figures) {
  return {
    steps,
    hours: { low: hoursText(seconds.low), expected: hoursText(seconds.expected), high: hoursText(seconds.high) },
    compute: {
      low: formatMoney(cost.compute.low),
      expected: formatMoney(cost.compute.expected),
      high: formatMoney(cost.compute.high),
    },
    storage: formatMoney(cost.storage),
    platformFee: formatMoney(cost.platformFee),
    total: {
      low: formatMoney(cost.total.low),
      expected: formatMoney(cost.total.expected),
      high: formatMoney(cost.total.high),
    },
  };
}

/** What people should know about the limit before they approve; undefined when all is well. */
function messageOf({ limit }: PlanContext, decision: Decision, { cost, fits, steps }: Figures): string | undefined {
  const { planned, affordable, budget } = decision.extent;
  const { total, reserve } = cost;
  if (!fits) {
    const missing = subtractMoney(addMoney(total.expected, reserve), limit);
    const last = affordable();
    const reach = last > 0 ? `near step ${last} of ${steps}` : 'before the first step';
    const cheaper = last > 0 ? ', or choose within-limit for the Budget tile' : '';
    return `The expected ${formatUsd(total.expected)} does not fit the limit of ${formatUsd(limit)}: training will freeze with a checkpoint ${reach}. Raise the budget by ${formatUsd(missing)}${cheaper}.`;
  }
  if (budget === 'within-limit' && decision.chosen.steps < planned.steps) {
    const whole = decision.staged === undefined ? 'the whole run' : 'its main stage alone, run in full,';
    return `Shortened from ${planned.steps} to ${decision.chosen.steps} steps to fit the limit of ${formatUsd(limit)}; ${whole} would cost about ${formatUsd(planned.estimate.cost.total.expected)}.`;
  }
  if (total.high > limit) {
    return `Expected to fit. If it runs as slowly as the slowest comparable runs it would cost ${formatUsd(total.high)}; it then freezes with a checkpoint at the limit of ${formatUsd(limit)}.`;
  }
  return undefined;
}
