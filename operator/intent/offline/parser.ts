import type { MethodName, Quality } from '@kriptik/crds';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Mention } from '../../catalog/mention.ts';
import { mentionsOf } from '../../catalog/mention.ts';
import type { IntentDraft, ParsedBy } from '../types.ts';
import { readBudget } from './budget.ts';
import { readClarity } from './clarity.ts';
import { readConflict } from './conflict.ts';
import { readDataset } from './dataset.ts';
import { readDeadlineDate, readDeadlineHours } from './deadline.ts';
import { readHardware } from './hardware.ts';
import { chosenMention, slugOf, withShouted } from './mentions.ts';
import { equivalents, isPossible, readMethods, trainsWhole } from './method.ts';
import { readUnknownModel } from './names.ts';
import { digitise } from './numbers.ts';
import { readRefusal } from './safety.ts';
import { readSizeB } from './size.ts';
import { honestPart, readInjection } from './steering.ts';
import { readTask, type Task } from './task.ts';
import { cleanText, fold, withoutQuotes } from './text.ts';
import { correctTypos } from './typos.ts';
import { readWishes } from './wishes.ts';

/** A text with fewer letters outside its quotes is quoted as a whole. */
const FEWEST_OWN_LETTERS = 10;

export const OFFLINE: ParsedBy = { source: 'offline', version: '2' };

/** Reads a goal's text by rules over word lists. Deterministic; equal text gives an equal draft. Never throws. */
export function readOffline(goal: string, catalog: Catalog): IntentDraft {
  const whole = cleanText(goal);
  const injection = whole.hidden || readInjection(whole.folded, whole.plain);
  const honest = injection ? honestPart(whole.plain, fold) : whole.plain;
  const exact = fold(honest);
  const text = correctTypos(exact);
  const own = ownWords(exact);
  const said = correctTypos(own);
  const counted = digitise(own);
  const naming = withShouted(honest, exact, catalog.families);
  const mentions = mentionsOf(naming, catalog.families);
  const model = chosenMention(naming, mentions);
  const unknown = model === undefined ? readUnknownModel(honest) : null;
  const named = readMethods(said);
  const task = readTask(text, model, named);
  const dataset = readDataset(honest, digitise(exact));
  const hardware = readHardware(counted);
  const budget = readBudget(digitise(said));
  const wishes = readWishes(said);
  const deadlineHours = readDeadlineHours(counted);
  const sizeB = model?.sizeB ?? readSizeB(exact) ?? knownSizeB(model, catalog);
  const refusal = readRefusal(whole.folded, whole.plain);
  const clash = readConflict({
    text: said,
    counted,
    task,
    model,
    mentions,
    sizeB,
    named,
    hardware,
    wishes,
    most: budget.most,
    least: budget.least,
    deadlineHours,
    mediaHours: dataset.hours,
    rows: dataset.rows,
    catalog,
  });
  // What is refused is not asked about.
  const conflict = refusal === null ? clash : null;
  const open =
    conflict === null
      ? readClarity({ text, task, hasModel: model !== undefined || unknown !== null, named, budget })
      : [conflict];
  const questions = refusal === null ? open : [];
  return {
    modality: task.modality,
    capability: task.capability,
    summary: summaryOf(honest),
    methods: [...methodsOf(task, named, wishes.quality, trainsWhole(model, sizeB))],
    methodStated: named.length > 0,
    model: model === undefined ? unknown : slugOf(model, naming),
    modelParametersB: model?.sizeB ?? readSizeB(exact) ?? null,
    quality: wishes.quality,
    datasetHint: dataset.hint,
    datasetSize: dataset.size,
    rows: dataset.rows,
    dataUris: [...dataset.uris],
    budget: budget.most,
    deadlineHours,
    deadlineDate: readDeadlineDate(own),
    gpuLimit: hardware.limit,
    gpuCount: hardware.count,
    gpuMemoryGb: hardware.memoryGb,
    localOnly: wishes.localOnly,
    privateOnly: wishes.privateOnly,
    regions: [...wishes.regions],
    commercialUse: wishes.commercialUse,
    licenses: [...wishes.licenses],
    outputs: [...wishes.outputs],
    questions: [...questions],
    conflict: conflict !== null,
    refusal,
    injection,
    assumptions: [],
  };
}

/** What the author says, without what is quoted or pasted: data set no limit and choose nothing. All of it where nothing else is there. */
function ownWords(text: string): string {
  const own = withoutQuotes(text);
  return (own.match(/\p{L}/gu)?.length ?? 0) < FEWEST_OWN_LETTERS ? text : own;
}

/** The size of a family that comes in one size only; undefined where the catalog knows several or none. */
function knownSizeB(model: Mention | undefined, { models }: Catalog): number | undefined {
  if (model === undefined) return undefined;
  const sizes = models.filter(({ family }) => family === model.family.id).map(({ parameters }) => parameters / 1e9);
  const least = Math.min(...sizes);
  // Variants of one size differ by a few layers.
  return sizes.length > 0 && Math.max(...sizes) < least * 1.05 ? least : undefined;
}

function methodsOf(
  task: Task,
  named: readonly MethodName[],
  quality: Quality | null,
  whole: boolean,
): readonly MethodName[] {
  if (named.length > 0) {
    const fitting = equivalents(named).filter((method) => isPossible(method, task.modality));
    if (fitting.length > 0) return fitting;
  }
  if (task.modality === null) return [];
  if (whole && (task.modality === 'llm' || task.modality === 'code')) return ['full', 'lora'];
  return quality === 'flagship' && task.modality !== 'image' && task.modality !== 'video'
    ? ['full', ...task.methods.filter((method) => method !== 'full')]
    : task.methods;
}

/** The first sentence, as a title for people. */
function summaryOf(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  const sentence = /^.{10,300}?[.!?。！？](?=\s|$)/.exec(plain)?.[0] ?? plain;
  const most = sentence.length <= 300 ? sentence : `${sentence.slice(0, 299)}…`;
  return most === '' ? 'No readable goal.' : most;
}
