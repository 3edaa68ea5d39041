import type { Tile } from '@kriptik/crds';
import { formatUsd, type MicroUsd, parseMoney, subtractMoney } from '../../money.ts';
import type { Candidate } from '../candidate.ts';
import { adviceFor } from '../cards.ts';
import { heldBy } from '../compare.ts';
import type { Compute } from '../compute.ts';
import { computeTitle, gpusOf } from '../compute.ts';
import { staleness } from '../freshness.ts';
import { gigabytes } from '../problems.ts';
import type { Found } from '../search.ts';
import { fewestThatDo, judge, works } from '../search.ts';
import { shardReasons } from '../sharding.ts';
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
  const doing = doingIt(draft);
  return {
    name: 'GPU',
    choice: compute.id,
    title: computeTitle(compute),
    summary: `${formatUsd(chosen.pricePerHour)} an hour, about ${seconds(estimate.time.secondsPerStep)} a step.`,
    reasons: [...gpuReasons(draft), ...savings(draft, doing)].map((text) => cut(text)),
    facts: [
      { label: 'Provider', value: `${offer.name} (${offer.type})` },
      {
        label: 'Price',
        value: cut(`${formatUsd(chosen.pricePerHour)} an hour, ${offer.priceSource}, ${offer.priceAsOf}`, 512),
      },
      { label: 'Memory', value: `${gigabytes(estimate.memory.total)} expected` },
      ...(gpusOf(compute) > 1 ? [{ label: 'Each GPU holds', value: heldBy(chosen) }] : []),
      { label: 'Speed', value: `${seconds(estimate.time.secondsPerStep)} a step` },
    ],
    alternatives: alternatives(draft, doing),
    ...warningsOf([
      ...(stale === undefined ? [] : [stale.message]),
      ...(compute.spec === undefined || compute.spec.verified
        ? []
        : [
            `Not verified today: the catalog's figures of ${offer.gpu} (${compute.spec.asOf}) come from secondary sources, and speed rests on them.`,
          ]),
      ...(compute.nodes > 1
        ? [
            'Machines are priced one by one here; a provider may ask more for linked ones, which then goes back to approval.',
          ]
        : []),
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
  const advice = adviceFor(context.catalog, chosen);
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
    ...shardReasons(chosen, context.contract),
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

/** The same work on each other offer with the fewest GPUs that do, cheapest first, then those that cannot. */
function doingIt({ choices, context, decision }: PlanDraft): readonly Found[] {
  const { model, method, compute } = decision.chosen;
  return choices.offers
    .map((computes) => fewestThatDo(context, model, method, computes, decision.extent.extent))
    .filter((found) => found !== undefined)
    .filter((found) => found.compute.id !== compute.id)
    .toSorted(
      (a, b) =>
        Number(!works(a)) - Number(!works(b)) ||
        (works(a) ? totalOf(a) - totalOf(b) : 0) ||
        a.compute.id.localeCompare(b.compute.id),
    );
}

/** What the cheapest other card would save on the same work. */
function savings({ decision }: PlanDraft, doing: readonly Found[]): readonly string[] {
  const { chosen } = decision;
  const [cheapest] = doing.filter(works);
  if (cheapest === undefined || totalOf(cheapest) >= totalOf(chosen)) return [];
  const saved = subtractMoney(chosen.estimate.cost.total.expected, cheapest.estimate.cost.total.expected);
  const slower = cheapest.estimate.time.expected / chosen.estimate.time.expected;
  const time = slower > 1.05 ? `${slower.toFixed(1)} times as long` : 'no longer';
  return [`The cheapest that does the same: ${cheapest.compute.id}, ${formatUsd(saved)} less and ${time}.`];
}

function alternatives(draft: PlanDraft, doing: readonly Found[]): Tile['alternatives'] {
  const { choices, context, decision } = draft;
  const { chosen, extent } = decision;
  const working = doing.filter(works);
  const fastest = working.toSorted((a, b) => a.estimate.time.expected - b.estimate.time.expected).slice(0, 2);
  const neighbours = choices.offers
    .flat()
    .filter((one) => isNeighbour(one, chosen.compute))
    .filter((one) => works(judge(context, chosen.model, chosen.method, one, extent.extent)));
  const listed = [
    ...working.slice(0, MOST_AVAILABLE - 4).map(({ compute }) => compute),
    ...fastest.map(({ compute }) => compute),
    ...neighbours,
    ...doing
      .filter((found) => !works(found))
      .slice(0, MOST_UNAVAILABLE)
      .map(({ compute }) => compute),
  ];
  return [...new Set(listed)]
    .map((one) =>
      alternative(draft, { gpu: one.id }, computeTitle(one), () => `${formatUsd(one.pricePerHour)} an hour.`),
    )
    .toSorted((a, b) => Number(b.available) - Number(a.available) || priceOf(a) - priceOf(b));
}

/** The same card of the same offer, half or twice as many; or the same machine, half or twice as many. */
function isNeighbour(one: Compute, { offer, count, nodes }: Compute): boolean {
  if (one.offer !== offer) return false;
  return (
    (one.nodes === nodes && isHalfOrTwice(one.count, count)) || (one.count === count && isHalfOrTwice(one.nodes, nodes))
  );
}

function isHalfOrTwice(a: number, b: number): boolean {
  return a === b * 2 || a * 2 === b;
}

function priceOf({ cost = '0' }: Tile['alternatives'][number]): MicroUsd {
  return parseMoney(cost);
}

function totalOf(found: Found): number {
  return works(found) ? found.estimate.cost.total.expected : Number.POSITIVE_INFINITY;
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}
