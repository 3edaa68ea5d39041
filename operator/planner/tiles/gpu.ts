import type { Tile } from '@kriptik/crds';
import { formatUsd, type MicroUsd, parseMoney, subtractMoney } from '../../money.ts';
import type { Candidate } from '../candidate.ts';
import { adviceFor } from '../cards.ts';
import type { Compute } from '../compute.ts';
import { computeTitle, gpusOf } from '../compute.ts';
import { staleness } from '../freshness.ts';
import { gigabytes } from '../problems.ts';
import { fewestThatDo, judge, works } from '../search.ts';
import type { PlanDraft } from './priced.ts';
import { alternative, cut, warningsOf } from './priced.ts';

const MOST_AVAILABLE = 10;
const MOST_UNAVAILABLE = 3;

/** Where it runs, why on that card, and what other cards would cost. */
export function gpuTile(draft: PlanDraft): Tile {
  const { chosen } = draft.decision;
  const { compute, estimate } = chosen;
  const { offer } = compute;
  const stale = staleness(compute, draft.now);
  const others = alternatives(draft);
  return {
    name: 'GPU',
    choice: compute.id,
    title: computeTitle(compute),
    summary: `${formatUsd(chosen.pricePerHour)} an hour, about ${seconds(estimate.time.secondsPerStep)} a step.`,
    reasons: [...gpuReasons(draft), ...savings(draft, others)].map((text) => cut(text)),
    facts: [
      { label: 'Provider', value: `${offer.name} (${offer.type})` },
      {
        label: 'Price',
        value: cut(`${formatUsd(chosen.pricePerHour)} an hour, ${offer.priceSource}, ${offer.priceAsOf}`, 512),
      },
      { label: 'Memory', value: `${gigabytes(estimate.memory.total)} expected` },
      { label: 'Speed', value: `${seconds(estimate.time.secondsPerStep)} a step` },
    ],
    alternatives: others,
    ...warningsOf([
      ...(stale === undefined ? [] : [stale.message]),
      ...(offer.priceVerified ? [] : [`The price of ${offer.gpu} is unconfirmed.`]),
      ...(offer.interruptible === true
        ? ['This compute can be taken away; training then resumes from a checkpoint.']
        : []),
    ]),
  };
}

/** Why this compute, each a sentence. */
export function gpuReasons({ decision, choices, context }: PlanDraft): readonly string[] {
  const { chosen } = decision;
  const { compute, estimate } = chosen;
  const { offer } = compute;
  const advice = adviceFor(chosen);
  const deadline = context.contract.constraints.deadline;
  const needed = `${gigabytes(estimate.memory.total)} of ${gigabytes(estimate.memoryAvailable ?? 0)} are needed${gpusOf(compute) > 1 ? ' on each GPU' : ''}.`;
  return [
    offer.gpu === 'cpu' ? 'Nothing is rented: the run uses the processor of this machine.' : needed,
    ...(advice?.gpus.includes(offer.gpu) === true
      ? [`${offer.gpu} is the advised card for this work: ${advice.because}.`]
      : choices.offers.flat().length > 1
        ? [
            chosen.fits
              ? 'The cheapest of the computes that hold the work, after the order of the providers.'
              : 'The cheapest of the computes that hold the work: none is within the limit.',
          ]
        : ['The only compute at hand.']),
    ...(compute.nodes > 1 ? [`One machine does not do: ${compute.nodes} train together.`] : []),
    ...(gpusOf(compute) > 1 && compute.nodes === 1 ? [countReason(chosen, deadline)] : []),
  ];
}

function countReason({ compute, estimate }: Candidate, deadline: string | undefined): string {
  const fewer = 'fewer do not hold the work';
  const time = deadline === undefined ? 'fewer would take days' : `fewer would not end within ${deadline}`;
  const tight = estimate.memory.total * 2 > (estimate.memoryAvailable ?? Number.POSITIVE_INFINITY);
  return `${compute.count} GPUs: ${tight ? fewer : time}.`;
}

/** What the cheapest other card would save. */
function savings({ figures, decision }: PlanDraft, others: Tile['alternatives']): readonly string[] {
  const cheaper = others.filter(({ available, cost }) => available && cost !== undefined)[0];
  if (cheaper?.cost === undefined || cheaper.reason !== undefined || decision.chosen.compute.offer.gpu === 'cpu')
    return [];
  const expected = figures.cost.total.expected;
  const saved = subtractMoney(expected, priceOf(cheaper));
  return saved > 0 ? [`Cheapest that does it: ${cheaper.id}, ${formatUsd(saved)} less.`] : [];
}

function alternatives(draft: PlanDraft): Tile['alternatives'] {
  const { choices, context, decision } = draft;
  const { chosen, extent } = decision;
  const { compute } = chosen;
  const own = choices.offers.flat().filter((one) => isNeighbour(one, compute));
  const firsts = choices.offers
    .map((computes) => fewestThatDo(context, chosen.model, chosen.method, computes, extent.extent))
    .filter((found) => found !== undefined)
    .filter((found) => found.compute.id !== compute.id);
  const doing = firsts.filter(works).toSorted((a, b) => totalOf(a) - totalOf(b));
  const fastest = doing.toSorted((a, b) => a.estimate.time.expected - b.estimate.time.expected).slice(0, 2);
  const neighbours = own.filter((one) => works(judge(context, chosen.model, chosen.method, one, extent.extent)));
  const listed = [
    ...doing.map((found) => found.compute).slice(0, MOST_AVAILABLE - 4),
    ...fastest.map((found) => found.compute),
    ...neighbours,
  ];
  const failing = firsts.filter((found) => !works(found)).map((found) => found.compute);
  const byId = new Map([...listed, ...failing.slice(0, MOST_UNAVAILABLE)].map((one) => [one.id, one]));
  return [...byId.values()]
    .slice(0, MOST_AVAILABLE + MOST_UNAVAILABLE)
    .map((one) =>
      alternative(draft, { gpu: one.id }, computeTitle(one), () => `${formatUsd(one.pricePerHour)} an hour.`),
    )
    .toSorted(
      (a, b) => Number(b.available) - Number(a.available) || (a.cost === undefined ? 0 : priceOf(a) - priceOf(b)),
    );
}

/** The same card of the same offer, half or twice as many. */
function isNeighbour(one: Compute, { offer, count, nodes }: Compute): boolean {
  return one.offer === offer && one.nodes === nodes && (one.count === count * 2 || one.count * 2 === count);
}

function priceOf({ cost = '0' }: Tile['alternatives'][number]): MicroUsd {
  return parseMoney(cost);
}

function totalOf({ estimate }: Candidate): number {
  return estimate.cost.total.expected;
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}
