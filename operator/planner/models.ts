import type { Contract, Quality } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { findModel, modelsOf, modelsOfFamily } from '../catalog/lookup.ts';
import { mentionOf } from '../catalog/mention.ts';

/** Parameters a quality level aims at, in billions, where GPUs are at hand. */
const TARGET_B: Readonly<Record<Quality, number>> = { quick: 1.5, standard: 7.5, high: 14, flagship: 32 };
/** What two to four processor cores can train while a person waits. */
const CPU_TARGET_B = 0.135;

export interface ModelChoices {
  /** Models the planner may choose from, best first. */
  readonly choices: readonly ModelSpec[];
  /** Shown beside them for comparison. */
  readonly others: readonly ModelSpec[];
  /** The goal named a model. */
  readonly stated: boolean;
}

/** A name that stands for nothing the planner can train. */
export interface UnknownModel {
  readonly unknown: string;
  readonly similar: readonly string[];
}

/**
 * The models to consider, nearest to the size that the quality aims at first.
 * A model that the goal names is the only choice; a family without a size
 * leaves its sizes open.
 */
export function modelChoices(contract: Contract, catalog: Catalog, cpuOnly: boolean): ModelChoices | UnknownModel {
  const wanted = contract.constraints.model ?? contract.model;
  const target = cpuOnly ? CPU_TARGET_B : TARGET_B[contract.quality];
  const all = rank(modelsOf(catalog, contract.modality), target);
  if (wanted === undefined) return { choices: preferred(all), others: [], stated: false };
  const stated = resolveModel(wanted, catalog);
  if (stated.length === 0) return { unknown: wanted, similar: all.slice(0, 5).map(({ id }) => id) };
  const choices = rank(stated, target);
  return { choices, others: all.filter((model) => !choices.includes(model)), stated: true };
}

/** The rows a name may stand for: one by id or Hub name, else those of the family with that size. */
function resolveModel(name: string, catalog: Catalog): readonly ModelSpec[] {
  const exact = findModel(catalog, name);
  if (exact !== undefined) return [exact];
  const mention = mentionOf(name.replace(/^[\w.-]+\//, ''), catalog.families);
  if (mention === undefined) return [];
  const family = modelsOfFamily(catalog, mention.family.id);
  if (mention.sizeB === undefined) return family;
  const size = mention.sizeB;
  return family.filter((model) => Math.abs(Number(model.size) - size) / size < 0.1);
}

/** Nearest size first, on a logarithmic scale; instruct models before bases, confirmed figures before others. */
function rank(models: readonly ModelSpec[], targetB: number): readonly ModelSpec[] {
  const distance = (model: ModelSpec): number => {
    const size = Math.abs(Math.log2(model.parameters / 1e9 / targetB));
    return size + (model.variant === 'instruct' ? 0 : 0.3) + (model.gated ? 0.4 : 0) + (isOpen(model) ? 0 : 0.3);
  };
  return models.toSorted((a, b) => distance(a) - distance(b) || a.id.localeCompare(b.id));
}

/** Unasked, the planner takes no model whose licence forbids commercial use: that is for people to accept. */
function preferred(models: readonly ModelSpec[]): readonly ModelSpec[] {
  const commercial = models.filter(({ license }) => !/nc|non-commercial|research|coqui/.test(license));
  return [...commercial, ...models.filter((model) => !commercial.includes(model))];
}

function isOpen({ license }: ModelSpec): boolean {
  return license === 'apache-2.0' || license === 'mit';
}
