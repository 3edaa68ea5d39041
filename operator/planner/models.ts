import type { Contract, Modality, Quality } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { findModel, modelsOf, modelsOfFamily } from '../catalog/lookup.ts';
import { mentionOf } from '../catalog/mention.ts';
import { languagesOf } from './data/language.ts';
import type { Task } from './tasks.ts';
import { tasksOf, wantedTask } from './tasks.ts';

/** Parameters a quality level aims at, in billions, where GPUs are at hand. */
const TEXT_TARGET_B: Readonly<Record<Quality, number>> = { quick: 1.5, standard: 7.5, high: 14, flagship: 32 };
const IMAGE_TARGET_B: Readonly<Record<Quality, number>> = { quick: 0.9, standard: 2.6, high: 8, flagship: 12 };
const VIDEO_TARGET_B: Readonly<Record<Quality, number>> = { quick: 1.3, standard: 5, high: 14, flagship: 14 };
const SPEECH_TARGET_B: Readonly<Record<Quality, number>> = { quick: 0.25, standard: 0.6, high: 1.5, flagship: 1.5 };
const MUSIC_TARGET_B: Readonly<Record<Quality, number>> = { quick: 0.6, standard: 2, high: 3.5, flagship: 3.5 };
/** What two to four processor cores can train while a person waits. */
const CPU_TARGET_B = 0.135;

/** Families that people reach for first today, in that order; the others follow behind. */
const CURRENT: Readonly<Record<Modality, readonly string[]>> = {
  llm: [
    'qwen2.5',
    'llama-3.1',
    'qwen3',
    'smollm2',
    'mistral',
    'llama-3.2',
    'llama-3.3',
    'gemma-3',
    'phi-4',
    'gemma-2',
    'smollm3',
    'mistral-nemo',
    'mistral-small',
  ],
  code: ['qwen2.5-coder', 'qwen3-coder', 'deepseek-coder', 'starcoder2', 'codellama'],
  multimodal: ['qwen2.5-vl', 'qwen2-vl', 'smolvlm', 'qwen3-vl', 'llava-onevision', 'llava', 'internvl'],
  image: ['sdxl', 'flux.1', 'sd-3.5', 'sd-1.5'],
  video: ['wan2.1', 'wan2.2', 'cogvideox', 'ltx-video', 'hunyuan-video'],
  audio: ['xtts', 'whisper', 'ace-step', 'musicgen', 'parakeet', 'f5-tts', 'orpheus', 'chatterbox'],
};

/** Upper ends of the size classes of which one model each is tried, in billions. */
const CLASSES_B = [0.2, 0.7, 1.8, 4.5, 10, 17, 40, 90, Number.POSITIVE_INFINITY];

export interface ModelChoices {
  /** Models the planner may choose from, best first. */
  readonly choices: readonly ModelSpec[];
  /** Shown beside them for comparison, best first. */
  readonly others: readonly ModelSpec[];
  /** All of them, best first. */
  readonly ranked: readonly ModelSpec[];
  /** The goal named a model. */
  readonly stated: boolean;
  readonly task?: Task;
  /** ISO codes of the languages it should know. */
  readonly languages: readonly string[];
  /** Billions of parameters that were aimed at. */
  readonly targetB: number;
}

/** A name that stands for nothing the planner can train. */
export interface UnknownModel {
  readonly unknown: string;
  readonly similar: readonly string[];
}

export interface ModelInput {
  readonly contract: Contract;
  readonly catalog: Catalog;
  /** Only processors are at hand. */
  readonly cpuOnly: boolean;
  /** Longest row in tokens, where it is known. */
  readonly longestRow?: number;
  /** Whether a model may be used at all; the planner proposes no other by itself. */
  readonly allowed: (model: ModelSpec) => boolean;
}

/**
 * The models to consider, best first: made for the task, knowing the language, near the size that the quality aims
 * at, free to use. A model that the goal names is the only choice; a family without a size leaves its sizes open.
 * Of the others one a size class is tried, so that a small limit finds a small model.
 */
export function modelChoices(input: ModelInput): ModelChoices | UnknownModel {
  const { contract, catalog } = input;
  const wanted = contract.baseModel?.source ?? contract.constraints.model ?? contract.model;
  const task = wantedTask(contract);
  const languages = languagesOf(contract.goalText);
  const targetB = input.cpuOnly ? CPU_TARGET_B : (statedSizeB(contract) ?? targetOf(contract, task));
  const score = scorer(input, languages, targetB);
  const rank = (models: readonly ModelSpec[]): readonly ModelSpec[] =>
    models
      .map((model) => ({ model, penalty: score(model) }))
      .toSorted((a, b) => a.penalty - b.penalty || a.model.id.localeCompare(b.model.id))
      .map(({ model }) => model);
  const all = rank(madeFor(modelsOf(catalog, contract.modality), task));
  const common = { ...(task !== undefined && { task }), languages, targetB };
  if (wanted !== undefined) {
    const stated = resolveModel(wanted, catalog);
    if (stated.length === 0) return { unknown: wanted, similar: all.slice(0, 5).map(({ id }) => id) };
    const choices = rank(stated);
    const others = all.filter((model) => !choices.includes(model));
    return { ...common, choices, others, ranked: [...choices, ...others], stated: true };
  }
  const choices = onePerClass(all.filter(input.allowed));
  return { ...common, choices, others: all.filter((model) => !choices.includes(model)), ranked: all, stated: false };
}

/** Models for the task; all of them where none is. */
function madeFor(models: readonly ModelSpec[], task: Task | undefined): readonly ModelSpec[] {
  if (task === undefined) return models;
  const fitting = models.filter((model) => tasksOf(model).includes(task));
  return fitting.length > 0 ? fitting : models;
}

/** The first of each size class, in the order they come. */
function onePerClass(ranked: readonly ModelSpec[]): readonly ModelSpec[] {
  const seen = new Set<number>();
  return ranked.filter((model) => {
    const size = sizeClass(model);
    return seen.has(size) ? false : seen.add(size);
  });
}

/** Models of one class cost about the same. */
export function sizeClass({ parameters }: Pick<ModelSpec, 'parameters'>): number {
  return CLASSES_B.findIndex((most) => parameters / 1e9 <= most);
}

/** The rows a name may stand for: one by id or Hub name, else those of the family with that size. */
function resolveModel(name: string, catalog: Catalog): readonly ModelSpec[] {
  const exact = findModel(catalog, name) ?? catalog.models.find(({ own }) => own?.uri === name);
  if (exact !== undefined) return [exact];
  const mention = mentionOf(name.replace(/^[\w.-]+\//, ''), catalog.families);
  if (mention === undefined) return [];
  const rows = modelsOfFamily(catalog, mention.family.id);
  const variant = rows.filter(({ id }) => mention.variant !== undefined && id.includes(`-${mention.variant}`));
  const family = variant.length > 0 ? variant : rows;
  if (mention.sizeB === undefined) return family;
  const size = mention.sizeB;
  return family.filter((model) => Math.abs(Number(model.size) - size) / size < 0.1);
}

function targetOf({ modality, quality }: Contract, task: Task | undefined): number {
  switch (modality) {
    case 'image':
      return IMAGE_TARGET_B[quality];
    case 'video':
      return VIDEO_TARGET_B[quality];
    case 'audio':
      return task === 'music' || task === 'sound-effects' ? MUSIC_TARGET_B[quality] : SPEECH_TARGET_B[quality];
    case 'llm':
    case 'code':
    case 'multimodal':
      return TEXT_TARGET_B[quality];
  }
}

/** A size that the text states without naming a model: "some 7B coder model". */
function statedSizeB({ goalText }: Contract): number | undefined {
  const match = /(?<![\w.])(\d{1,3}(?:\.\d{1,2})?)\s?b(?![\w])(?!\s*(?:tokens?|words?|rows?|samples?|examples?))/i.exec(
    goalText,
  );
  const size = Number(match?.[1]);
  return size >= 0.1 && size <= 700 ? size : undefined;
}

/** Lower is better: distance of size on a logarithmic scale, and what speaks against a model. */
function scorer(input: ModelInput, languages: readonly string[], targetB: number): (model: ModelSpec) => number {
  const { contract, longestRow = 0 } = input;
  const current = CURRENT[contract.modality];
  const speaks = contract.modality !== 'image' && contract.modality !== 'video';
  return (model) => {
    const place = current.indexOf(model.family);
    return (
      Math.abs(Math.log2(model.parameters / 1e9 / targetB)) +
      (place < 0 ? 0.5 : place * 0.03) +
      variantPenalty(model, contract) +
      (model.gated ? 0.4 : 0) +
      // Unasked, the planner takes no model whose licence forbids commercial use: that is for people to accept.
      { yes: 0, conditional: 0.3, no: 20 }[model.commercialUse] +
      (speaks && !knows(model, languages) ? 1 : 0) +
      (longestRow > model.context && model.shape !== undefined ? 1.5 : 0) +
      (model.verified ? 0 : 0.01)
    );
  };
}

/** Whether a model was trained on these languages, as far as the catalog says. */
export function knows(model: ModelSpec, languages: readonly string[]): boolean {
  return model.languages.includes('multilingual') || languages.every((code) => model.languages.includes(code));
}

function variantPenalty({ variant, modality }: ModelSpec, { capability }: Contract): number {
  const text = modality === 'llm' || modality === 'code' || modality === 'multimodal';
  if (!text) return variant === 'distilled' ? 0.5 : 0;
  const wanted = /completion|pre-?train/.test(capability) ? 'base' : 'instruct';
  return variant === wanted ? 0 : 0.3;
}
