import type { MethodName, Modality, Quality } from '@kriptik/crds';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Mention } from '../../catalog/mention.ts';
import { mentionsOf } from '../../catalog/mention.ts';
import type { IntentDraft, ParsedBy } from '../types.ts';
import { readBudget } from './budget.ts';
import { readClarity } from './clarity.ts';
import { readDataset } from './dataset.ts';
import { readDeadlineHours } from './deadline.ts';
import { readHardware } from './hardware.ts';
import { equivalents, readMethods } from './method.ts';
import { CAPABILITIES, MODALITY_METHODS } from './rules.ts';
import { honestPart, readInjection, readRefusal } from './safety.ts';

export const OFFLINE: ParsedBy = { source: 'offline', version: '1' };

/** Reads a goal's text by rules. Deterministic; equal text gives an equal draft. */
export function readOffline(goal: string, catalog: Catalog): IntentDraft {
  const whole = goal.toWellFormed().normalize('NFKC');
  const injection = readInjection(whole.toLowerCase());
  const honest = injection ? honestPart(whole) : whole;
  const text = honest.toLowerCase().replace(/[’‘]/g, "'");
  const model = chosenMention(text, mentionsOf(text, catalog.families));
  const named = readMethods(text);
  const task = readTask(text, model, named);
  const dataset = readDataset(honest);
  const hardware = readHardware(text);
  const budget = readBudget(text);
  const quality = readQuality(text);
  const methods = methodsOf(task, named, quality);
  const clarity = readClarity({
    text,
    ...task,
    model,
    methods: named,
    gpuMemoryGb: hardware.memoryGb,
    gpuCount: hardware.count,
    budgetUsd: budget === null ? null : Number(budget.amount) * Number(catalog.fx.rates[budget.currency] ?? 1),
  });
  return {
    modality: task.modality,
    capability: task.capability,
    summary: summaryOf(honest),
    methods: [...methods],
    methodStated: named.length > 0,
    model: model?.slug ?? null,
    modelParametersB: model?.sizeB ?? null,
    quality,
    datasetHint: dataset.hint,
    datasetSize: dataset.size,
    rows: dataset.rows,
    dataUris: [...dataset.uris],
    budget,
    deadlineHours: readDeadlineHours(text),
    gpuLimit: hardware.limit,
    gpuCount: hardware.count,
    gpuMemoryGb: hardware.memoryGb,
    localOnly: hardware.localOnly,
    questions: [...clarity.questions],
    conflict: clarity.conflict,
    refusal: readRefusal(whole.toLowerCase()),
    injection,
    assumptions: [],
  };
}

interface Task {
  readonly modality: Modality | null;
  readonly capability: string | null;
  readonly confidence: number;
  readonly methods?: readonly MethodName[];
}

const METHOD_MODALITY: Readonly<Partial<Record<MethodName, Modality>>> = {
  dreambooth: 'image',
  'textual-inversion': 'image',
  'voice-clone': 'audio',
  dpo: 'llm',
  rlhf: 'llm',
};
const MODEL_WEIGHT = 9;
const METHOD_WEIGHT = 3;

/** The modality with the most weight behind it, and its best capability. */
function readTask(text: string, model: Mention | undefined, named: readonly MethodName[]): Task {
  const hits = CAPABILITIES.filter(({ pattern }) => pattern.test(text));
  const scores = new Map<Modality, number>();
  const raise = (modality: Modality, weight: number): void => {
    scores.set(modality, (scores.get(modality) ?? 0) + weight);
  };
  for (const { modality, weight } of hits) raise(modality, weight);
  if (model !== undefined) raise(model.family.modality, MODEL_WEIGHT);
  for (const method of named) {
    const modality = METHOD_MODALITY[method];
    if (modality !== undefined) raise(modality, METHOD_WEIGHT);
  }
  // A language model put to code is a code goal; one named for anything else stays what it is.
  if (model?.family.modality === 'llm' && hits.some(({ modality, weight }) => modality === 'code' && weight >= 5)) {
    raise('code', MODEL_WEIGHT);
  }
  const [best] = [...scores].toSorted(([, a], [, b]) => b - a);
  if (best === undefined) return { modality: null, capability: null, confidence: 0 };
  const [modality, confidence] = best;
  const [capability] = hits.filter((hit) => hit.modality === modality).toSorted((a, b) => b.weight - a.weight);
  return {
    modality,
    confidence,
    capability: capability?.capability ?? null,
    ...(capability?.methods !== undefined && { methods: capability.methods }),
  };
}

/** Of several models the one that is to be trained: the one next to a training verb, else the first. */
function chosenMention(text: string, mentions: readonly Mention[]): Mention | undefined {
  const [first] = mentions;
  if (first === undefined) return undefined;
  const trained = mentions.find(({ index }) =>
    /(?:fine-?\s?tun\w*|train\w*|tune|adapt|use|using|on|with|微调|trainier\w*|entrenar|entraîner|afinar)\s(?:\w+\s){0,2}$/.test(
      text.slice(Math.max(0, index - 30), index),
    ),
  );
  const chosen = mentions.find(({ sizeB }) => sizeB !== undefined && trained === undefined) ?? trained ?? first;
  // "LLaVA 13B falls short, so we plan to tune the 7B model": the size near the verb is the one meant.
  const later = /(?:fine-?\s?tun\w*|train\w*)\s(?:\w+\s){0,3}(\d+(?:\.\d+)?)\s?b\b/.exec(text.slice(chosen.index));
  const size = later?.[1];
  if (size === undefined || chosen.sizeB === undefined || Number(size) === chosen.sizeB) return chosen;
  const suffix = chosen.instruct ? '-instruct' : '';
  return { ...chosen, sizeB: Number(size), slug: `${chosen.family.id}-${size}b${suffix}` };
}

function methodsOf(task: Task, named: readonly MethodName[], quality: Quality | null): readonly MethodName[] {
  if (named.length > 0) {
    const fitting = equivalents(named).filter((method) => isPossible(method, task.modality));
    if (fitting.length > 0) return fitting;
  }
  if (task.modality === null) return [];
  const usual = task.methods ?? MODALITY_METHODS[task.modality];
  return quality === 'flagship' && task.modality !== 'image'
    ? ['full', ...usual.filter((method) => method !== 'full')]
    : usual;
}

/** QLoRA, DPO and RLHF are made for language; DreamBooth and textual inversion for pictures. */
function isPossible(method: MethodName, modality: Modality | null): boolean {
  const language = modality === 'llm' || modality === 'code' || modality === 'multimodal' || modality === null;
  switch (method) {
    case 'qlora':
    case 'dpo':
    case 'rlhf':
      return language;
    case 'dreambooth':
    case 'textual-inversion':
      return modality === 'image';
    case 'voice-clone':
      return modality === 'audio';
    case 'lora':
    case 'full':
      return true;
  }
}

function readQuality(text: string): Quality | null {
  if (
    /flagship|state[- ]of[- ]the[- ]art|\bsota\b|world[- ]class|best in (?:its )?class|tops its|suno-?quality|beats? (?:gpt|claude|gemini)|top of the leaderboard/.test(
      text,
    )
  )
    return 'flagship';
  if (
    /high(?:est)?[- ]quality (?:model|result|output)|best (?:possible )?quality|production[- ]grade|as good as possible|最高质量/.test(
      text,
    )
  )
    return 'high';
  if (
    /\bquick\w*|experiment|try out|just try|proof of concept|\bpoc\b|practi[cs]e|练手|试试|toy|small test|smoke test|tiny|cheap\w*|schnell|rápid\w+|rapide/.test(
      text,
    )
  )
    return 'quick';
  return null;
}

/** The first sentence, as a title for people. */
function summaryOf(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  const sentence = /^.{10,300}?[.!?。！？](?=\s|$)/.exec(plain)?.[0] ?? plain;
  const most = sentence.length <= 300 ? sentence : `${sentence.slice(0, 299)}…`;
  return most === '' ? 'No readable goal.' : most;
}
