import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { findLicense } from '../catalog/lookup.ts';
import type { ModelFactsRow } from '../catalog/schema/overlay.ts';
import type { HubClient } from '../hub/client.ts';
import { type HubModel, modelFacts } from '../hub/facts.ts';
import { HubProblem } from '../hub/problem.ts';
import { type Refreshed, RefreshProblem } from './types.ts';

/** Stated and counted parameters may differ by this share: tied matrices are stored once or twice. */
const TOLERANCE = 0.05;

/**
 * Revision, licence and gating of models as the Hub states them now, and in
 * `unknown` what it says otherwise than the catalog: models that are gone,
 * licences the catalog does not hold, other parameter counts. Rejects with
 * RefreshProblem when the Hub does not answer.
 */
export async function hubFacts(
  catalog: Catalog,
  models: readonly ModelSpec[],
  hub: Pick<HubClient, 'model'>,
  today: string,
): Promise<Refreshed<ModelFactsRow>> {
  const answers = await Promise.all(models.map(async (model) => ({ model, answer: await ask(hub, model) })));
  const problems = answers.flatMap(({ answer }) => ('problem' in answer ? [answer.problem] : []));
  const [first] = problems.filter(({ passing }) => passing);
  if (first !== undefined && problems.length === answers.length) throw new RefreshProblem(first.message, first.remedy);
  return {
    rows: answers.flatMap(({ model, answer }) =>
      'facts' in answer ? [rowOf(catalog, model, answer.facts, today)] : [],
    ),
    unknown: answers.flatMap(({ model, answer }) =>
      'facts' in answer
        ? differences(catalog, model, answer.facts).map((text) => `${model.hub}: ${text}`)
        : [answer.problem.message],
    ),
  };
}

function rowOf(
  catalog: Catalog,
  model: ModelSpec,
  { revision, gated, ...facts }: HubModel,
  asOf: string,
): ModelFactsRow {
  const license = facts.license === undefined ? undefined : findLicense(catalog, facts.license)?.id;
  return {
    id: model.id,
    revision,
    gated,
    // The Hub says "other" of every licence of its own kind; the catalog knows which one it is.
    ...(license !== undefined && license !== 'other' && { license }),
    asOf,
    source: `https://huggingface.co/${model.hub}`,
  };
}

function differences(catalog: Catalog, model: ModelSpec, { license, parameters }: HubModel): readonly string[] {
  return [
    ...(license !== undefined && license !== model.license && findLicense(catalog, license) === undefined
      ? [`the Hub calls its licence ${license}, the catalog ${model.license}`]
      : []),
    ...(parameters !== undefined && model.shape !== undefined && !near(parameters, model.parameters)
      ? [`${parameters} parameters on the Hub, ${model.parameters} in the catalog`]
      : []),
  ];
}

type HubAnswer = { readonly facts: HubModel } | { readonly problem: HubProblem };

async function ask(hub: Pick<HubClient, 'model'>, model: ModelSpec): Promise<HubAnswer> {
  try {
    return { facts: modelFacts(await hub.model(model.hub)) };
  } catch (error) {
    if (error instanceof HubProblem) return { problem: error };
    throw error;
  }
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * b;
}
