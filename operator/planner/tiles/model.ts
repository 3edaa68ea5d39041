import type { Tile } from '@kriptik/crds';
import type { ModelSpec } from '../../catalog/catalog.ts';
import { findLicense } from '../../catalog/lookup.ts';
import { formatUsd, subtractMoney } from '../../money.ts';
import { knows, sizeClass } from '../models.ts';
import type { ModelFacts } from '../types.ts';
import type { PlanDraft } from './priced.ts';
import { alternative, cut, warningsOf } from './priced.ts';

/** Available alternatives that are shown, and how many may be tried for them. */
const MOST_AVAILABLE = 5;
const MOST_TRIED = 12;
const MOST_UNAVAILABLE = 3;

/** The base model: what it is, why this one, and what else would cost, take and allow. */
export function modelTile(draft: PlanDraft): Tile {
  const { context, decision } = draft;
  const { model } = decision.chosen;
  const facts = context.modelFacts.find(({ hub }) => hub.toLowerCase() === model.hub.toLowerCase());
  return {
    name: 'Model',
    choice: model.id,
    title: model.title,
    summary: `${billions(model.parameters)} parameters, ${model.context.toLocaleString('en')} tokens of context, licence ${model.license}.`,
    reasons: modelReasons(draft).map((text) => cut(text)),
    facts: [
      { label: 'Parameters', value: model.parameters.toLocaleString('en') },
      { label: 'Licence', value: `${model.license}, commercial use: ${model.commercialUse}` },
      { label: 'Languages', value: cut(model.languages.join(', '), 512) },
      { label: 'Source', value: cut(model.own?.uri ?? `huggingface.co/${model.hub}`, 512) },
      { label: 'Context', value: `${model.context.toLocaleString('en')} tokens` },
      ...(facts === undefined ? [] : [{ label: 'Checked on the Hub', value: `commit ${facts.revision.slice(0, 12)}` }]),
    ],
    alternatives: alternatives(draft),
    ...warningsOf(warnings(draft, facts)),
  };
}

/** Why this model, each a sentence. */
export function modelReasons({ choices, context, decision }: PlanDraft): readonly string[] {
  const { model, compute } = decision.chosen;
  const { models } = choices;
  const license = findLicense(context.catalog, model.license);
  return [
    models.stated
      ? model.own === undefined
        ? 'The goal names this model.'
        : `The goal brings this model; its figures are ${model.source}.`
      : compute.offer.gpu === 'cpu'
        ? 'Small enough to train on a processor while you wait; larger models need a GPU.'
        : `The nearest to ${billions(models.targetB * 1e9)}, the size that suits a ${context.contract.quality} run: larger ones cost more for little gain on narrow tasks.`,
    ...(models.task === undefined || models.stated
      ? []
      : [`Made for ${models.task.replaceAll('-', ' ')}, as the goal asks.`]),
    ...(model.variant === 'instruct'
      ? ['Already follows instructions, so few examples are enough to shape its answers.']
      : []),
    ...(model.commercialUse === 'yes'
      ? [`Its licence ${model.license} allows commercial use.`]
      : license !== undefined && license.conditions !== ''
        ? [`Its licence ${model.license}: ${license.conditions}`]
        : []),
  ];
}

function warnings({ choices, context, decision }: PlanDraft, facts: ModelFacts | undefined): readonly string[] {
  const { model } = decision.chosen;
  const { contract, data } = context;
  return [
    ...contract.output.map(
      ({ uri }) =>
        `The model stays in the store of its job: this release does not write to ${uri}. Fetch it with kriptik download.`,
    ),
    ...((facts?.gated ?? false) || model.gated
      ? [`${model.title} is gated: its licence must be accepted on the Hub, and a token given.`]
      : []),
    ...(facts?.license !== undefined && facts.license !== model.license
      ? [`The Hub names the licence ${facts.license}, the catalog ${model.license}: read it before approving.`]
      : []),
    ...(model.commercialUse === 'no' ? [`The licence ${model.license} forbids commercial use.`] : []),
    ...(model.shape !== undefined && !knows(model, choices.models.languages)
      ? [
          `The catalog does not list ${choices.models.languages.join(', ')} among the languages of ${model.title}: expect weaker answers.`,
        ]
      : []),
    ...(data.longestRow !== undefined && model.shape !== undefined && data.longestRow > model.context
      ? [
          `The longest row has ${data.longestRow.toLocaleString('en')} tokens, ${model.title} takes ${model.context.toLocaleString('en')}: longer rows are cut.`,
        ]
      : []),
    ...(model.verified || facts !== undefined
      ? []
      : [
          `Not verified today: the catalog's figures of ${model.title} (${model.asOf}) were not checked against its weights, and the estimate rests on them.`,
        ]),
  ];
}

/**
 * A smaller one, a larger one and one under another licence first, then the next in the planner's order; of what
 * cannot be chosen a few with the reason.
 */
function alternatives(draft: PlanDraft): Tile['alternatives'] {
  const { choices, decision } = draft;
  const { model } = decision.chosen;
  const ranked = choices.models.ranked.filter(({ id }) => id !== model.id);
  const size = sizeClass(model);
  const telling = [
    ranked.filter((one) => sizeClass(one) < size).toSorted((a, b) => sizeClass(b) - sizeClass(a))[0],
    ranked.filter((one) => sizeClass(one) > size).toSorted((a, b) => sizeClass(a) - sizeClass(b))[0],
    ranked.find((one) => one.license !== model.license && sizeClass(one) === size),
  ].filter((one) => one !== undefined);
  const shown: Tile['alternatives'] = [];
  let available = 0;
  for (const other of [...new Set([...telling, ...ranked])].slice(0, MOST_TRIED)) {
    if (available >= MOST_AVAILABLE) break;
    const made = alternative(draft, { model: other.id }, other.title, (priced) =>
      tradeOf(draft, other, priced?.figures.cost.total.expected),
    );
    if (made.available) available += 1;
    else if (shown.length - available >= MOST_UNAVAILABLE) continue;
    shown.push(made);
  }
  return shown;
}

/** "7.6 B parameters, licence mit. Larger: more room to learn, $3.10 more." */
function tradeOf({ decision, figures }: PlanDraft, other: ModelSpec, cost: typeof figures.cost.reserve | undefined) {
  const { model } = decision.chosen;
  const ratio = other.parameters / model.parameters;
  const trade =
    ratio < 0.8 ? 'Smaller: less room to learn' : ratio > 1.25 ? 'Larger: more room to learn' : 'About the same size';
  const use = other.commercialUse === model.commercialUse ? '' : `, commercial use: ${other.commercialUse}`;
  const facts = `${billions(other.parameters)} parameters, licence ${other.license}${use}.`;
  if (cost === undefined) return `${facts} ${trade}.`;
  const difference = subtractMoney(cost, figures.cost.total.expected);
  const price =
    difference === 0
      ? 'the same price'
      : difference > 0
        ? `${formatUsd(difference)} more`
        : `${formatUsd(subtractMoney(figures.cost.total.expected, cost))} less`;
  return `${facts} ${trade}, ${price}.`;
}

/** "135 M", "7.6 B". */
export function billions(parameters: number): string {
  return parameters < 1e9
    ? `${Math.round(parameters / 1e6)} M`
    : `${(parameters / 1e9).toFixed(parameters < 1e10 ? 1 : 0)} B`;
}
