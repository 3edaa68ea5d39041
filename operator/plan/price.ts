import type { Resolved } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { findModel } from '../catalog/lookup.ts';
import type { Hub } from '../hub/client.ts';
import { enrichCatalog, pinnedModel, type UnaskedModel } from '../hub/enrich.ts';
import { HubProblem } from '../hub/problem.ts';
import type { DataFacts, ModelFacts, PlanResult, Recommendation } from '../planner/types.ts';
import { type DataFactsSource, DataProblem } from './data-facts.ts';
import { commitIn, datasetName, hubDataFacts, type PricedBefore } from './hub-facts.ts';
import { type ProposeInput, propose } from './propose.ts';

export interface PriceInput extends Omit<ProposeInput, 'facts' | 'modelFacts' | 'hubReachable'> {
  /** What looks into data besides the Hub. */
  readonly sources: readonly DataFactsSource[];
  readonly hub: Hub;
  /**
   * Whether the plan is bound to commits of today. Without it, only what the catalog does not list is asked about, so
   * that everybody gets the same plan.
   */
  readonly pin: boolean;
  /** What the plan said before: commits it names stay. */
  readonly before?: Resolved | undefined;
}

/** A plan's price, and whether the facts behind it were checked with the Hub. */
export interface Priced {
  readonly result: PlanResult;
  /** Why some facts are the catalog's, not today's; empty when all were checked. */
  readonly unverified: readonly HubProblem[];
}

export interface Verification {
  readonly verified: boolean;
  readonly reason: string;
  readonly message: string;
}

const OUT_OF_REACH = new HubProblem(
  'Unreachable',
  'the Hub is out of reach',
  'Check the network and HF_ENDPOINT, or leave it: the catalog is enough to plan',
);

/**
 * Prices a plan by what can be known of its model and data: a model that only the Hub knows becomes one to choose,
 * datasets are counted, and what was chosen is pinned to a commit. The Hub's silence never stops a plan that the
 * catalog can make. Rejects only for faults of the program.
 */
export async function priceWithHub(input: PriceInput): Promise<Priced> {
  const { plan, sources, hub, before, pin } = input;
  const { contract } = plan.spec;
  const listed = (name: string): boolean => input.market.catalog.datasets.some((dataset) => dataset.hub === name);
  const asked = contract.data.filter(({ uri }) => pin || !listed(datasetName(uri) ?? ''));
  try {
    const [enriched, own, stated, hubReachable] = await Promise.all([
      contract.baseModel === undefined
        ? enrichCatalog(input.market.catalog, contract, hub)
        : // Loaded with what checks a model's files only where a goal brings one.
          (await import('./own-model.ts')).withOwnModel(input.market.catalog, contract),
      Promise.all(sources.map((source) => source.of(contract))),
      hubDataFacts({ modality: contract.modality, data: asked }, dataBefore(before), { hub, listed }),
      pin ? hub.reachable() : true,
    ]);
    if ('problem' in enriched) {
      const { field, message, remedy } = enriched.problem;
      return {
        result: { blocked: { reason: 'NoSuitableModel', message: `${field}: ${message}`, remedy } },
        unverified: [],
      };
    }
    const market = { ...input.market, catalog: enriched.catalog };
    const facts = [...own.flat(), ...stated.facts];
    const proposed = propose({ ...input, market, facts, hubReachable });
    const silent = hubReachable ? [] : [OUT_OF_REACH];
    const unverified = [...silent, ...(enriched.unasked ? [enriched.unasked.why] : []), ...stated.unverified];
    if (enriched.unasked !== undefined && !isOf(proposed, enriched.unasked)) return unknownModel(enriched.unasked);
    if ('blocked' in proposed || !pin) return { result: proposed, unverified };
    return await pinned({ ...input, market, facts, hubReachable }, proposed, unverified);
  } catch (error) {
    if (!(error instanceof DataProblem)) throw error;
    const remedy = 'The plan is priced as soon as the data can be read';
    return { result: { blocked: { reason: 'DataUnreadable', message: error.message, remedy } }, unverified: [] };
  }
}

/**
 * The same plan once more, now bound to commits of the model and of the data that was proposed; as it was where the Hub
 * tells of none.
 */
async function pinned(
  input: PriceInput & Pick<ProposeInput, 'facts' | 'hubReachable'>,
  proposed: Recommendation,
  unverified: readonly HubProblem[],
): Promise<Priced> {
  const { hub, before, plan } = input;
  const { contract } = plan.spec;
  const { model, data } = proposed.resolved;
  const known = new Set(contract.data.map(({ uri }) => uri));
  const proposals = { modality: contract.modality, data: data.filter(({ uri }) => !known.has(uri)) };
  const [added, checked] = await Promise.all([
    hubDataFacts(proposals, dataBefore(before), { hub, listed: () => true }),
    modelFactsOf(model, input),
  ]);
  const facts: DataFacts[] = [...input.facts, ...added.facts];
  const told = added.facts.length > 0 || checked.facts.length > 0;
  const result = told ? propose({ ...input, facts, modelFacts: checked.facts }) : proposed;
  return { result, unverified: [...unverified, ...added.unverified, ...checked.unverified] };
}

async function modelFactsOf(
  { source }: Resolved['model'],
  { hub, before, plan }: PriceInput,
): Promise<{ readonly facts: readonly ModelFacts[]; readonly unverified: readonly HubProblem[] }> {
  // What somebody brings is pinned by what the goal says of it.
  if (!source.startsWith('hf://') || plan.spec.contract.baseModel !== undefined) return { facts: [], unverified: [] };
  const name = source.slice('hf://'.length);
  const commit = before?.model.source === source ? commitIn(before.model.revision) : undefined;
  const { facts, problem } = await pinnedModel(hub, name, commit);
  return { facts: facts === undefined ? [] : [facts], unverified: problem === undefined ? [] : [problem] };
}

function dataBefore(before: Resolved | undefined): PricedBefore {
  return new Map((before?.data ?? []).map((planned) => [planned.uri, planned]));
}

/** Whether the facts of a plan are those of today, as a condition tells it; undefined for a plan that has no price. */
export function verification({ result, unverified }: Priced, catalog: Catalog): Verification | undefined {
  if ('blocked' in result) return undefined;
  const asOf = findModel(catalog, result.resolved.model.id)?.asOf ?? 'an earlier day';
  const [problem] = unverified;
  if (problem === undefined) return { verified: true, reason: 'Verified', message: '' };
  const message = `Not verified today: ${problem.message}. Facts of the catalog of ${asOf} stand in. ${problem.remedy}`;
  return { verified: false, reason: problem.kind, message };
}

/** Whether the plan's model comes from the owner that was named: a former name of a model the catalog lists. */
function isOf(result: PlanResult, { name }: UnaskedModel): boolean {
  if ('blocked' in result) return false;
  const [owner = ''] = name.toLowerCase().split('/');
  return result.resolved.model.source.toLowerCase().startsWith(`hf://${owner}/`);
}

/** Nothing else is planned in the place of a model that somebody named. */
function unknownModel({ name, field, why }: UnaskedModel): Priced {
  const message = `${field}: the catalog does not list ${name}, and the Hub could not be asked about it: ${why.message}`;
  const remedy = `${why.remedy}. Or name a model of the catalog: kriptik catalog list models`;
  return { result: { blocked: { reason: 'NoSuitableModel', message, remedy } }, unverified: [why] };
}
