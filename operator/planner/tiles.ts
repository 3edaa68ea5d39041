import type { Quote, Tile } from '@kriptik/crds';
import { alternative, warningsOf } from './alternatives.ts';
import { buildCandidate } from './candidate.ts';
import { METHODS } from './methods.ts';
import { gigabytes } from './problems.ts';
import type { PlanDraft } from './resolve.ts';
import { bestFor } from './search.ts';
import { budgetTile, dataTile, gpuTile } from './tiles-run.ts';

const MOST_MODELS = 6;

/** The five tiles of a plan: what was chosen, why, and what else could be, each priced. */
export function buildTiles(draft: PlanDraft, quote: Quote): readonly Tile[] {
  return [modelTile(draft), methodTile(draft), dataTile(draft), gpuTile(draft), budgetTile(draft, quote)];
}

function modelTile(draft: PlanDraft): Tile {
  const { chosen, models, context, computes, methods, extent } = draft;
  const { model } = chosen;
  const shown = [...models.choices, ...models.others].filter(({ id }) => id !== model.id).slice(0, MOST_MODELS);
  const alternatives = shown.flatMap((other) => {
    const ordered = [chosen.method, ...methods.filter((method) => method !== chosen.method && method !== 'full')];
    const best = bestFor(context, other, ordered, computes, extent.extent);
    return best === undefined
      ? []
      : [
          alternative(
            best,
            other.id,
            other.title,
            `${billions(other.parameters)} parameters, licence ${other.license}`,
          ),
        ];
  });
  return {
    name: 'Model',
    choice: model.id,
    title: model.title,
    summary: `${billions(model.parameters)} parameters, ${model.context.toLocaleString('en')} tokens of context, licence ${model.license}.`,
    reasons: [
      models.stated
        ? 'The goal names this model.'
        : chosen.compute.offer.gpu === 'cpu'
          ? 'Small enough to train on a processor while you wait; larger models need a GPU.'
          : `The size suits a ${context.contract.quality} run: larger models cost more for little gain on narrow tasks.`,
      ...(model.variant === 'instruct'
        ? ['Already follows instructions, so few examples are enough to shape its answers.']
        : []),
    ],
    facts: [
      { label: 'Parameters', value: model.parameters.toLocaleString('en') },
      { label: 'Licence', value: model.license },
      { label: 'Source', value: `huggingface.co/${model.hub}` },
      { label: 'Context', value: `${model.context.toLocaleString('en')} tokens` },
    ],
    alternatives,
    ...warningsOf([
      ...draft.context.contract.output.map(
        ({ uri }) =>
          `The model stays in the store of its job: this release does not write to ${uri}. Fetch it with kriptik download.`,
      ),
      ...(model.gated ? [`${model.title} is gated: its licence must be accepted on the Hub, and a token given.`] : []),
      ...(/nc|non-commercial|research|coqui/.test(model.license)
        ? [`The licence ${model.license} restricts commercial use.`]
        : []),
      ...(model.verified
        ? []
        : [
            `The catalog's figures of ${model.title} were not checked against its weights; the estimate rests on them.`,
          ]),
    ]),
  };
}

function methodTile({ chosen, context, methods, extent }: PlanDraft): Tile {
  const facts = METHODS[chosen.method];
  const { memory } = chosen.estimate;
  const { contract } = context;
  const stated = contract.methodStated === true || contract.constraints.method !== undefined;
  const hyper = chosen.hyperparameters;
  return {
    name: 'Method',
    choice: chosen.method,
    title: facts.title,
    summary: facts.summary,
    reasons: [
      stated ? 'The goal names this method.' : `It is ${facts.strength}.`,
      ...(context.data.rows < 1000 && chosen.method !== 'full'
        ? [`${context.data.rows} rows are too few to train all weights without forgetting.`]
        : []),
      `Needs about ${gigabytes(memory.total)} of memory.`,
    ],
    facts: [
      { label: 'Learning rate', value: hyper.learningRate },
      { label: 'Batch', value: `${hyper.batchSize} rows x ${hyper.gradientAccumulation}` },
      ...(chosen.lora === undefined ? [] : [{ label: 'Rank', value: `${chosen.lora.r}, alpha ${chosen.lora.alpha}` }]),
      { label: 'Longest row', value: `${hyper.maxLength} tokens` },
      { label: 'Precision', value: hyper.precision },
    ],
    alternatives: methods
      .filter((method) => method !== chosen.method)
      .map((method) => {
        const candidate = buildCandidate(context, chosen.model, method, chosen.compute, extent.extent);
        return alternative(candidate, method, METHODS[method].title, METHODS[method].summary);
      }),
  };
}

/** "135 M", "7.6 B". */
function billions(parameters: number): string {
  return parameters < 1e9
    ? `${Math.round(parameters / 1e6)} M`
    : `${(parameters / 1e9).toFixed(parameters < 1e10 ? 1 : 0)} B`;
}
