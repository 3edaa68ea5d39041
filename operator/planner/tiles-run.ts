import type { Quote, Tile } from '@kriptik/crds';
import { formatUsd, parseMoney } from '../money.ts';
import { alternative, warningsOf } from './alternatives.ts';
import type { Compute } from './candidate.ts';
import { buildCandidate, computeId } from './candidate.ts';
import { BUDGET_CHOICES, DATA_CHOICES } from './extent.ts';
import { gigabytes } from './problems.ts';
import type { PlanDraft } from './resolve.ts';
import { byPreference } from './search.ts';

const MOST_COMPUTES = 12;

/** What the model learns from, and how often it sees each row. */
export function dataTile({ chosen, context, extent }: PlanDraft): Tile {
  const { data, contract } = context;
  const { batchSize, gradientAccumulation } = chosen.hyperparameters;
  const devices = Math.max(1, chosen.compute.count);
  const passes = (chosen.steps * batchSize * gradientAccumulation * devices) / data.rows;
  const title = data.sources.length === 1 ? (data.sources[0]?.uri ?? '') : `${data.sources.length} sources`;
  return {
    name: 'Data',
    choice: extent.data,
    title: title.slice(0, 253),
    summary: `${data.rows.toLocaleString('en')} rows${data.rowsKnown ? '' : ' (assumed)'}, each seen about ${passes < 10 ? passes.toFixed(1) : Math.round(passes)} times.`,
    reasons: [extent.data === 'as-planned' ? passReason(data.rows, contract.modality) : 'These passes were selected.'],
    facts: [
      { label: 'Rows', value: `${data.rows.toLocaleString('en')}${data.rowsKnown ? '' : ' (assumed)'}` },
      { label: 'Steps', value: String(chosen.steps) },
      ...(data.tokensPerRow > 1
        ? [{ label: 'Tokens a row', value: `${Math.round(data.tokensPerRow)}${data.tokensKnown ? '' : ' (assumed)'}` }]
        : []),
    ],
    alternatives: DATA_CHOICES.filter((id) => id !== extent.data).map((id) => {
      const epochs = Number(id.replace('epochs-', ''));
      const passesOnly = id === 'as-planned' ? {} : { epochs };
      const candidate = buildCandidate(context, chosen.model, chosen.method, chosen.compute, passesOnly);
      const label = id === 'as-planned' ? 'As the planner suggests' : `${epochs} ${epochs === 1 ? 'pass' : 'passes'}`;
      return alternative(candidate, id, label, `${candidate.steps} steps over the same rows.`);
    }),
    ...warningsOf(data.warnings),
  };
}

/** Where it runs. */
export function gpuTile({ chosen, context, computes, extent }: PlanDraft): Tile {
  const { compute, estimate, pricePerHour } = chosen;
  const { offer } = compute;
  const others = computes
    .filter((other) => computeId(other) !== computeId(compute))
    .map((other) => buildCandidate(context, chosen.model, chosen.method, other, extent.extent))
    .toSorted(byPreference)
    .slice(0, MOST_COMPUTES);
  return {
    name: 'GPU',
    choice: computeId(compute),
    title: computeTitle(compute),
    summary: `${formatUsd(pricePerHour)} an hour, about ${seconds(estimate.time.secondsPerStep)} a step.`,
    reasons: [
      offer.gpu === 'cpu'
        ? 'Nothing is rented: the run uses the processor of this machine.'
        : `${gigabytes(estimate.memory.total)} of ${gigabytes(estimate.memoryAvailable ?? 0)} are needed${compute.count > 1 ? ' on each GPU' : ''}.`,
      ...(others.length > 0
        ? ['The cheapest of the computes that fit, after the order of the providers.']
        : ['The only compute at hand.']),
    ],
    facts: [
      { label: 'Provider', value: `${offer.name} (${offer.type})` },
      { label: 'Price', value: `${formatUsd(pricePerHour)} an hour, ${offer.priceSource}, ${offer.priceAsOf}` },
      { label: 'Memory', value: `${gigabytes(estimate.memory.total)} expected` },
      { label: 'Speed', value: `${seconds(estimate.time.secondsPerStep)} a step` },
    ],
    alternatives: others.map((other) =>
      alternative(
        other,
        computeId(other.compute),
        computeTitle(other.compute),
        `${formatUsd(other.pricePerHour)} an hour`,
      ),
    ),
    ...warningsOf([
      ...(offer.priceVerified ? [] : [`The price of ${offer.gpu} is unconfirmed.`]),
      ...(offer.interruptible === true
        ? ['This compute can be taken away; training then resumes from a checkpoint.']
        : []),
    ]),
  };
}

/** What it costs, and how far the money reaches. */
export function budgetTile({ chosen, context, extent }: PlanDraft, quote: Quote): Tile {
  const { cost } = chosen.estimate;
  const ceiling = context.limit < parseMoney(context.contract.budget.limit, 'budget.limit');
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
      ...(ceiling ? ["A policy lowers the limit below the goal's."] : []),
    ],
    facts: [
      { label: 'Limit', value: formatUsd(context.limit) },
      { label: 'Low', value: formatUsd(cost.total.low) },
      { label: 'Expected', value: formatUsd(cost.total.expected) },
      { label: 'High', value: formatUsd(cost.total.high) },
      { label: 'Reserve', value: formatUsd(cost.reserve) },
    ],
    alternatives: BUDGET_CHOICES.filter((id) => id !== extent.budget).flatMap((id) => {
      const steps = {
        planned: extent.planned.steps,
        'within-limit': extent.affordable,
        half: Math.ceil(extent.planned.steps / 2),
      }[id];
      if (steps === 0 || steps === chosen.steps) return [];
      const candidate = buildCandidate(context, chosen.model, chosen.method, chosen.compute, { maxSteps: steps });
      return [alternative(candidate, id, budgetTitle[id], `${steps} steps.`)];
    }),
    ...warningsOf(chosen.fits ? [] : [quote.message ?? 'The plan does not fit its limit.']),
  };
}

const budgetTitle = {
  planned: 'The whole run',
  'within-limit': 'As far as the limit reaches',
  half: 'Half of the run',
};

function passReason(rows: number, modality: string): string {
  if (modality === 'image' || modality === 'video')
    return `${rows} examples are shown often enough to be learned, not copied.`;
  return rows < 1000
    ? 'With few rows several passes are needed before answers change.'
    : 'More passes over this many rows would repeat rather than teach.';
}

function computeTitle({ offer, count }: Compute): string {
  const what = offer.gpu === 'cpu' ? 'Processor' : count > 1 ? `${count} x ${offer.gpu}` : offer.gpu;
  return `${what} on ${offer.name}`;
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}
