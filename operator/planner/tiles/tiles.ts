import type { Quote, Tile } from '@kriptik/crds';
import { gpusOf } from '../compute.ts';
import { dataTile } from '../data/tile.ts';
import { budgetTile } from './budget.ts';
import { gpuTile } from './gpu.ts';
import { methodTile } from './method.ts';
import { modelTile } from './model.ts';
import type { PlanDraft } from './priced.ts';
import { alternative } from './priced.ts';

/** The five tiles of a plan: what was chosen, why, and what else could be, each priced. */
export function buildTiles(draft: PlanDraft, quote: Quote): readonly Tile[] {
  const { context, decision } = draft;
  const data = dataTile({
    contract: context.contract,
    catalog: context.catalog,
    data: context.data,
    chosen: decision.chosen,
    devices: gpusOf(decision.chosen.compute),
    priced: (id, title, summary) => alternative(draft, { data: id }, title, () => summary),
  });
  return [modelTile(draft), methodTile(draft), data, gpuTile(draft), budgetTile(draft, quote)];
}
