import type { Quote, Tile } from '@kriptik/crds';
import { formatUsd, parseMoney } from '../../money.ts';
import { BUDGET_CHOICES } from '../extent.ts';
import { staleness } from '../freshness.ts';
import type { PlanDraft } from './priced.ts';
import { alternative, cut, decideWith, sentence, warningsOf } from './priced.ts';

/** What it costs, and how far the money reaches. */
export function budgetTile(draft: PlanDraft, quote: Quote): Tile {
  const { context, decision, figures, planning } = draft;
  const { cost } = figures;
  const { chosen, extent } = decision;
  const stale = staleness(chosen.compute, draft.now);
  const lowered = context.limit < parseMoney(context.contract.budget.limit, 'budget.limit');
  return {
    name: 'Budget',
    choice: extent.budget,
    title: `${formatUsd(cost.total.expected)} expected, ${formatUsd(context.limit)} at most`,
    summary:
      quote.message ??
      `Between ${formatUsd(cost.total.low)} and ${formatUsd(cost.total.high)}; the limit is never exceeded.`,
    reasons: [
      `${formatUsd(cost.compute.expected)} compute, ${formatUsd(cost.storage)} storage, ${formatUsd(cost.platformFee)} platform fee (${quote.platformFeePercent} %).`,
      `${formatUsd(cost.reserve)} of the limit are kept back to save a checkpoint and stop.`,
      sentence(chosen.estimate.time.widthReason),
      ...(lowered && planning.ceiling !== undefined ? [`Lower than the goal's limit: ${planning.ceiling.text}.`] : []),
    ].map((text) => cut(text)),
    facts: [
      { label: 'Limit', value: formatUsd(context.limit) },
      { label: 'Low', value: formatUsd(cost.total.low) },
      { label: 'Expected', value: formatUsd(cost.total.expected) },
      { label: 'High', value: formatUsd(cost.total.high) },
      { label: 'Reserve', value: formatUsd(cost.reserve) },
      ...(decision.staged?.stages ?? []).map(({ recipe, run }) => ({
        label: recipe.title,
        value: formatUsd(run.estimate.cost.total.expected),
      })),
    ],
    alternatives: BUDGET_CHOICES.filter((id) => id !== extent.budget).flatMap((id) => {
      const priced = decideWith(draft, { budget: id });
      if ('why' in priced || priced.figures.steps === figures.steps) return [];
      return [alternative(draft, { budget: id }, TITLES[id], () => `${priced.figures.steps} steps.`)];
    }),
    ...warningsOf([
      ...(figures.fits ? [] : [quote.message ?? 'The plan does not fit its limit.']),
      ...(stale === undefined ? [] : [stale.message]),
    ]),
  };
}

const TITLES = {
  planned: 'The whole run',
  'within-limit': 'As far as the limit reaches',
  half: 'Half of the run',
};
