import type { MethodName, Quality } from '@kriptik/crds';
import type { CardAdvice, Catalog, ModelSpec } from '../catalog/catalog.ts';
import type { Candidate } from './candidate.ts';
import { isComfortable } from './candidate.ts';
import { gpusOf } from './compute.ts';

/** Rank of cards that no advice names. */
const UNADVISED = 1000;

/** The advice for a piece of work. */
function cardAdvice(
  { cards }: Catalog,
  model: Pick<ModelSpec, 'modality' | 'parameters'>,
  method: MethodName,
  quality: Quality,
): CardAdvice | undefined {
  return cards.find(
    (row) =>
      row.modalities.includes(model.modality) &&
      (row.methods === undefined || row.methods.includes(method)) &&
      (row.quality === undefined || row.quality === quality) &&
      (row.maxParametersB === undefined || model.parameters <= row.maxParametersB * 1e9),
  );
}

/** Catalog ids of the cards that are advised for a piece of work; none where there is no advice. */
export function advisedGpus(
  catalog: Catalog,
  model: Pick<ModelSpec, 'modality' | 'parameters'>,
  method: MethodName,
  quality: Quality,
): readonly string[] {
  return cardAdvice(catalog, model, method, quality)?.gpus ?? [];
}

/** The advice for a candidate's work. */
export function adviceFor(catalog: Catalog, { model, method, rules }: Candidate): CardAdvice | undefined {
  return cardAdvice(catalog, model, method, rules.quality);
}

/** How far a candidate's card is from the advised one; 0 = the very card, alone, with room to spare. */
export function cardRank(catalog: Catalog, candidate: Candidate): number {
  const index = adviceFor(catalog, candidate)?.gpus.indexOf(candidate.compute.offer.gpu) ?? -1;
  if (index < 0) return UNADVISED;
  return index + (isComfortable(candidate.estimate) ? 0 : 5) + 10 * Math.log2(gpusOf(candidate.compute));
}
