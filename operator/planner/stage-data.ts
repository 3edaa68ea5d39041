import type { PlannedData } from '@kriptik/crds';
import type { DatasetSpec } from '../catalog/catalog.ts';
import type { PlanContext } from './candidate.ts';
import { emptyMemory } from './candidate.ts';
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

function rowsOf(context: PlanContext, { data }: StageRecipe): DataSummary | undefined {
  if (data === 'rows') return context.data;
  if (data === 'held-out') return heldOut(context);
  return pairsOf(context);
}

/** Rows that are enough to tell two models apart. */
const EVALUATION_ROWS = 500;

/** The rows that are looked at when all is done; a twentieth where none were kept. */
function heldOut({ data }: PlanContext): DataSummary {
  const kept = data.heldOut.evaluation + data.heldOut.test;
  return { ...data, rows: Math.max(1, Math.min(EVALUATION_ROWS, kept || Math.ceil(data.rows / 20))) };
}

/** Pairs of a better and a worse answer: the author's own, else a public set that may be used. */
function pairsOf(context: PlanContext): DataSummary | undefined {
  const { contract, data, facts, catalog, policy } = context;
  const own = data.views.filter(({ preferencePairs }) => preferencePairs === true).map(({ planned }) => planned.uri);
  const sources = contract.data.filter(({ uri }) => own.includes(uri));
  const set = sources.length > 0 ? undefined : publicPairs(context);
  if (sources.length === 0 && set === undefined) return undefined;
  const chosen = sources.length > 0 ? sources : [sourceOf(set)];
  const summary = summarizeData({ ...contract, data: chosen.filter((source) => source !== undefined) }, facts, {
    catalog,
    policy,
    method: 'dpo',
  });
  return 'noData' in summary ? undefined : summary;
}

function publicPairs({ contract, catalog, policy, data }: PlanContext): DatasetSpec | undefined {
  return catalog.datasets.find(
    (set) =>
      set.shape === 'preference' &&
      set.modality === contract.modality &&
      !set.gated &&
      (set.commercialUse !== 'no' || !data.commercial) &&
      licenseForbidden(policy, set.license) === undefined,
  );
}

function sourceOf(set: DatasetSpec | undefined): PlannedData | undefined {
  if (set === undefined) return undefined;
  const name = set.id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return { name, uri: `hf://datasets/${set.hub}`, format: 'hub', rows: set.rows };
}
