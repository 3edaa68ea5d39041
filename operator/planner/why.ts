import type { TileName } from '@kriptik/crds';
import { formatUsd } from '../money.ts';
import { adviceFor } from './cards.ts';

import { hyperparameterReasons } from './hyper-reasons.ts';
import { methodFacts } from './methods.ts';
import { gpuReasons } from './tiles/gpu.ts';
import { modelReasons } from './tiles/model.ts';
import type { PlanDraft } from './tiles/priced.ts';
import { sentence } from './tiles/priced.ts';
import type { Reason } from './types.ts';

/** Why each value of a plan is what it is, tile by tile. Pure, and no part of what is approved. */
export function explain(draft: PlanDraft): readonly Reason[] {
  const { context, decision, choices } = draft;
  const { chosen, staged } = decision;
  const { model, method, compute, estimate } = chosen;
  const facts = methodFacts(context.catalog, method);
  const of = (tile: TileName, what: string, value: string, because: string, source?: string): Reason => ({
    tile,
    what,
    value,
    because,
    ...(source !== undefined && { source }),
  });
  const [firstModel = '', ...otherModel] = modelReasons(draft);
  const cards = adviceFor(context.catalog, chosen);
  const advice = choices.methods.find(({ name }) => name === method);
  return [
    of('Model', 'base model', model.id, firstModel, model.source),
    ...otherModel.map((text) => of('Model', 'base model', model.id, text)),
    of('Method', 'method', method, advice?.because ?? `${facts.strength}.`, facts.source),
    ...choices.methods
      .filter(({ name }) => name !== method)
      .map(({ name, against, unwise }) =>
        of('Method', `not ${methodFacts(context.catalog, name).title}`, name, unwise ?? against),
      ),
    ...(staged?.stages ?? []).map(({ recipe, startsFrom }) =>
      of('Method', `stage ${recipe.name}`, `from ${startsFrom}`, recipe.summary),
    ),
    ...hyperparameterReasons(chosen),
    ...gpuReasons(draft).map((text) => of('GPU', 'compute', compute.id, text)),
    ...(cards === undefined
      ? []
      : [of('GPU', 'advised cards', cards.gpus.join(', '), sentence(cards.because), cards.source)]),
    of(
      'Budget',
      'expected cost',
      formatUsd(draft.figures.cost.total.expected),
      `${formatUsd(chosen.pricePerHour)} an hour, ${compute.offer.priceSource} of ${compute.offer.priceAsOf}, for ${(draft.figures.seconds.expected / 3600).toFixed(2)} h, with storage and the platform fee.`,
      compute.offer.priceSource,
    ),
    of(
      'Budget',
      'range',
      `${formatUsd(draft.figures.cost.total.low)} to ${formatUsd(draft.figures.cost.total.high)}`,
      sentence(estimate.time.widthReason),
    ),
  ];
}
