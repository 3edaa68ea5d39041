import type { DataSource, PlannedData } from '@kriptik/crds';
import type { DatasetSpec } from '../catalog/catalog.ts';
import type { PlanContext } from './candidate.ts';
import { emptyMemory } from './candidate.ts';
import { sourcesFor, sourcesKnownFor } from './data/stage-sources.ts';
import type { DataSummary } from './data/summary.ts';
import { summarizeData } from './data/summary.ts';
import { licenseForbidden } from './policy-check.ts';
import type { StageRecipe } from './recipes.ts';

/**
 * What one stage looks at: its own rows, and of the goal's wishes those that are about every stage. How far to train
 * and how fast to learn are wishes about the deciding stage. Undefined where there are no rows for it.
 */
export function contextForStage(context: PlanContext, recipe: StageRecipe): PlanContext | undefined {
  const { stages } = context.memory;
  // The same stage decides in one plan and only prepares in another, with other wishes of the goal.
  const key = `${recipe.name} ${recipe.decides === true}`;
  const known = stages.get(key);
  // What is remembered holds for the rows; passes that were selected are about the deciding stage.
  if (known !== undefined && recipe.decides !== true) return known ?? undefined;
  const made = makeContext(context, recipe);
  stages.set(key, made ?? null);
  return made;
}

function makeContext(context: PlanContext, recipe: StageRecipe): PlanContext | undefined {
  const data = rowsOf(context, recipe);
  if (data === undefined) return undefined;
  if (recipe.decides === true) return data === context.data ? context : { ...context, data, memory: emptyMemory() };
  const { epochs: _e, maxSteps: _s, learningRate: _l, batchSize: _b, ...others } = context.contract.constraints;
  const { gradientAccumulation: _a, warmupRatio: _w, ...rest } = others;
  return { ...context, data, contract: { ...context.contract, constraints: rest }, memory: emptyMemory() };
}

function rowsOf(context: PlanContext, recipe: StageRecipe): DataSummary | undefined {
  if (recipe.data === 'held-out') return heldOut(context);
  return recipe.data === 'pairs' ? pairsOf(context, recipe) : ownRows(context, recipe);
}

/** The author's own sources that are for this stage; what the goal as a whole learns from where it named none. */
function ownRows(context: PlanContext, recipe: StageRecipe): DataSummary {
  const { contract, data } = context;
  const sources = sourcesOf(context, recipe);
  const uris = new Set(sources.map(({ uri }) => uri));
  if (
    contract.data.length === 0 ||
    (uris.size === data.sources.length && data.sources.every(({ uri }) => uris.has(uri)))
  )
    return data;
  return summaryOf(context, sources, recipe) ?? data;
}

function sourcesOf({ contract, facts, catalog }: PlanContext, { purpose, methods }: StageRecipe) {
  const learns = purpose === 'continued-pretraining' ? 'reading' : (methods[0] ?? 'lora');
  return sourcesFor(learns, contract.data, facts, catalog);
}

function summaryOf(
  { contract, facts, catalog, policy }: PlanContext,
  sources: readonly DataSource[],
  { methods: [method] }: StageRecipe,
): DataSummary | undefined {
  const summary = summarizeData({ ...contract, data: [...sources] }, facts, { catalog, policy, method });
  return 'noData' in summary ? undefined : summary;
}

/** Rows that are enough to tell two models apart. */
const EVALUATION_ROWS = 500;

/** The rows that are looked at when all is done; a twentieth where none were kept. */
function heldOut({ data }: PlanContext): DataSummary {
  const kept = data.heldOut.evaluation + data.heldOut.test;
  return { ...data, rows: Math.max(1, Math.min(EVALUATION_ROWS, kept || Math.ceil(data.rows / 20))) };
}

/** Pairs of a better and a worse answer: the author's own, else a public set that may be used. */
function pairsOf(context: PlanContext, recipe: StageRecipe): DataSummary | undefined {
  const { contract, facts, catalog } = context;
  const own = sourcesKnownFor(recipe.methods[0] ?? 'dpo', contract.data, facts, catalog);
  const sources = own.length > 0 ? own : publicPairs(context);
  return sources.length === 0 ? undefined : summaryOf(context, sources, recipe);
}

function publicPairs({ contract, catalog, policy, data }: PlanContext): readonly PlannedData[] {
  const found = catalog.datasets.find(
    (set) =>
      set.shape === 'preference' &&
      set.modality === contract.modality &&
      !set.gated &&
      (set.commercialUse !== 'no' || !data.commercial) &&
      licenseForbidden(policy, set.license) === undefined,
  );
  return found === undefined ? [] : [sourceOf(found)];
}

function sourceOf(set: DatasetSpec): PlannedData {
  const name = set.id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return { name, uri: `hf://datasets/${set.hub}`, format: 'hub', rows: set.rows };
}
