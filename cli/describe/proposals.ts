import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { bullets } from '../render/section.ts';
import { quoteLine } from '../render/tiles.ts';
import { usd, type View } from './common.ts';

/** Changes of the plan that wait for a decision: why, at what price beside the present run's, and the command. */
export function proposalLines(
  proposals: readonly TrainingPlan[],
  job: TrainingJob | undefined,
  { width }: Pick<View, 'width'>,
): string[] {
  return proposals.flatMap(({ metadata, spec: { amends }, status }) => {
    if (amends === undefined) return [];
    const { quote } = status ?? {};
    const told =
      quote === undefined
        ? ['it is being priced']
        : [
            `price: ${quoteLine(quote)}${quote.fits ? '' : '; it does not fit what is left'}`,
            `the present run: ${presentCost(job)}`,
            'it starts over from step 0: what the present run spent buys nothing more',
            `do: kriptik approve ${metadata.name}, or kriptik deny ${metadata.name}`,
          ];
    return [
      ...bullets([`${amends.text} (${amends.change}), because of ${amends.finding}`], width),
      ...bullets(told, width - 2).map((line) => `  ${line}`),
    ];
  });
}

/** What it would cost in all, by its own measurements where there are any. */
function presentCost(job: TrainingJob | undefined): string {
  const cost = job?.status?.cost;
  const planned = usd(job?.spec.run.quote.total.expected);
  if (cost === undefined) return `${planned} as planned`;
  const whole = cost.forecast === undefined ? `${planned} as planned` : `${usd(cost.forecast)} when finished`;
  return `${usd(cost.spent)} spent, ${whole}, ${usd(cost.ratePerHour)} an hour until you decide`;
}
