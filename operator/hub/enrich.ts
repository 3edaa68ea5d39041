import type { Contract } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { findModel } from '../catalog/lookup.ts';
import type { Hub } from './client.ts';
import { type HubModel, modelFacts } from './facts.ts';
import { modelSpecFrom } from './model-spec.ts';
import { HubProblem } from './problem.ts';

/** Names that are alike, at most. */
const MOST_SIMILAR = 3;

/** A model that was named and cannot be had: which field names it, why, and what to do. */
export interface ModelProblem {
  readonly field: string;
  readonly message: string;
  readonly remedy: string;
}

/** A model that nobody could be asked about. */
export interface UnaskedModel {
  /** "owner/name", as the goal has it. */
  readonly name: string;
  readonly field: string;
  readonly why: HubProblem;
}

/** The catalog with a model that only the Hub knows, or why that model cannot be planned. */
export type Enriched =
  | { readonly catalog: Catalog; readonly unasked?: UnaskedModel }
  | { readonly problem: ModelProblem };

/**
 * Looks up the model that a goal names by its Hub name and the catalog does not list. Nothing is asked for any other
 * goal. A Hub that cannot be asked leaves the catalog as it is and says so in `unasked`.
 */
export async function enrichCatalog(
  catalog: Catalog,
  contract: Pick<Contract, 'constraints' | 'model' | 'modality'>,
  hub: Hub,
): Promise<Enriched> {
  const stated = contract.constraints.model;
  const name = (stated ?? contract.model)?.replace(/^hf:\/\/(?:models\/)?/, '');
  if (name === undefined || !/^[\w.-]+\/[\w.-]+$/.test(name) || findModel(catalog, name) !== undefined)
    return { catalog };
  const field = stated === undefined ? 'spec.goal' : 'spec.constraints.model';
  try {
    const facts = modelFacts(await hub.model(name));
    const config = await hub.config(facts.hub, facts.revision).catch(absent);
    const spec = modelSpecFrom(facts, config?.value, catalog, contract.modality);
    if (typeof spec === 'string') {
      return {
        problem: {
          field,
          message: spec,
          remedy: 'Name a model that holds safetensors, or leave the choice to the planner',
        },
      };
    }
    // The row stands under the name the goal uses, whatever the Hub calls it today.
    return { catalog: { ...catalog, models: [...catalog.models, { ...spec, hub: name }] } };
  } catch (error) {
    if (!(error instanceof HubProblem)) throw error;
    if (error.passing) return { catalog, unasked: { name, field, why: error } };
    return { problem: { field, message: error.message, remedy: await withSimilar(hub, 'model', name, error) } };
  }
}

/** Facts of a model, and why they are not those of today. */
export interface PinnedModel {
  readonly facts?: Pick<HubModel, 'hub' | 'revision' | 'gated' | 'license' | 'parameters'>;
  readonly problem?: HubProblem;
}

/**
 * Facts of a model of the plan at the commit it was priced with before, else at its newest. What was priced stays
 * pinned: a commit that is pushed meanwhile, or a Hub that is out of reach for a while, does not change what people
 * are asked to approve.
 */
export async function pinnedModel(hub: Hub, name: string, pinned: string | undefined): Promise<PinnedModel> {
  try {
    const answer = await hub.model(name, pinned);
    return { facts: modelFacts(answer) };
  } catch (error) {
    if (!(error instanceof HubProblem)) throw error;
    if (error.kind === 'RevisionNotFound' && pinned !== undefined) return await pinnedModel(hub, name, undefined);
    return { problem: error, ...(pinned !== undefined && { facts: { hub: name, revision: pinned, gated: false } }) };
  }
}

/** The remedy of a problem, with names that are alike where the name is what is wrong. Never rejects. */
export async function withSimilar(
  hub: Pick<Hub, 'search'>,
  kind: 'model' | 'dataset',
  name: string,
  { kind: problem, remedy }: HubProblem,
): Promise<string> {
  if (problem !== 'NotFound') return remedy;
  const [, wanted = name] = name.split('/');
  const found = await hub.search(kind, wanted, MOST_SIMILAR).catch(() => []);
  return found.length === 0 ? remedy : `${remedy}. The Hub has ${found.map((one) => one.name).join(', ')}`;
}

/** A model without config.json, such as a pipeline of several, has none to read. */
function absent(error: unknown): undefined {
  if (error instanceof HubProblem && !error.passing) return undefined;
  throw error;
}
