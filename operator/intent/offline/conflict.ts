import type { MethodName, Modality } from '@kriptik/crds';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Mention } from '../../catalog/mention.ts';
import type { Budget } from './budget.ts';
import { ask, type DraftQuestion, round, usd } from './conflict-sums.ts';
import { TERM_CHECKS } from './conflict-terms.ts';
import type { HardwareWords } from './hardware.ts';
import { conceptTests, lexiconFile, type Words } from './lexicon.ts';
import type { Task } from './task.ts';
import type { Wishes } from './wishes.ts';

export interface ConflictInput {
  /** Folded. */
  readonly text: string;
  /** Folded, its numbers as digits. */
  readonly counted: string;
  readonly task: Task;
  readonly model: Mention | undefined;
  /** All base models that the text names. */
  readonly mentions: readonly Mention[];
  /** Stated or known size, in billions of parameters. */
  readonly sizeB: number | undefined;
  /** Methods the text names. */
  readonly named: readonly MethodName[];
  readonly hardware: HardwareWords;
  readonly wishes: Wishes;
  readonly most: Budget | null;
  readonly least: Budget | null;
  readonly deadlineHours: number | null;
  /** Hours of sound or film to learn from. */
  readonly mediaHours: number | null;
  /** Examples to learn from. */
  readonly rows: number | null;
  readonly catalog: Pick<Catalog, 'fx' | 'models'>;
}

const test = conceptTests('clarity.yaml', lexiconFile<Readonly<Record<string, Words>>>('clarity.yaml'));

/** Bytes a trained parameter takes with mixed-precision Adam (blog.eleuther.ai/transformer-math): weight, gradient, master copy, two moments. */
const BYTES_TRAINED = 16;
/** Bytes of a frozen parameter: bf16, and nf4 with double-quantised scales. */
const BYTES_BF16 = 2;
const BYTES_4BIT = 0.57;
/** Lower bounds that hold on any market: a large card, and its memory. */
const CHEAPEST_CARD_HOUR = 2;
const LARGE_CARD_GB = 80;
/** Loading, a short run and saving of a model over many cards. */
const SHORTEST_RUN_HOURS = 4;
/** FLOPs that a dollar buys at best: 400 TFLOP/s sustained at $2 an hour. */
const FLOPS_PER_DOLLAR = 7.2e17;
/** Hours of recording that one card learns from in an hour, at best, one pass. */
const MEDIA_SPEED: Readonly<Partial<Record<Modality, number>>> = { audio: 400, video: 20, multimodal: 60 };
/** Examples that one card learns from in a second, at best. */
const ROWS_PER_SECOND: Readonly<Partial<Record<Modality, number>>> = {
  image: 100,
  video: 5,
  audio: 300,
  multimodal: 100,
};
/** Sustained by the fastest cards, and tokens of a short example. */
const BEST_FLOPS = 6e14;
const SHORT_ROW = 100;
/** Least memory of adapter training of pictures, film and sound, in GB; generous to the asker. */
const LEAST_MEDIA_GB: Readonly<Partial<Record<Modality, number>>> = { image: 5, video: 8, audio: 2 };
/** Families too large for the least figures above: adapters with every saving still need this much, in GB. */
const LARGE_FAMILY_GB: Readonly<Record<string, number>> = {
  'flux.1': 6,
  'flux.2': 16,
  'hunyuan-video': 12,
  'wan2.2': 10,
  mochi: 16,
  'qwen-image': 12,
};

/** The first clash of wishes, as a question that names both sides and the arithmetic; null when there is none. */
export function readConflict(input: ConflictInput): DraftQuestion | null {
  for (const check of [...CHECKS, ...TERM_CHECKS]) {
    const found = check(input);
    if (found !== null) return found;
  }
  return null;
}

const CHECKS: readonly ((input: ConflictInput) => DraftQuestion | null)[] = [
  mostBelowLeast,
  zeroBudget,
  privateInCloud,
  methodWithoutMeans,
  methodForOtherModels,
  licenceOfModel,
  memoryTooSmall,
  deviceTooSmall,
  processorTooSlow,
  budgetTooSmall,
  scratchTooDear,
  rentedTimeTooDear,
  deadlineTooShort,
];

function mostBelowLeast({ most, least, catalog }: ConflictInput): DraftQuestion | null {
  if (most === null || least === null) return null;
  const [high, low] = [usd(most, catalog), usd(least, catalog)];
  if (low <= high) return null;
  return ask(
    'spec.budget.limit',
    `The text wants at least ${told(least)} and at most ${told(most)}: ${round(low)} > ${round(high)} US dollars. Which of the two holds?`,
    String(round(high)),
  );
}

function zeroBudget({ most }: ConflictInput): DraftQuestion | null {
  if (most === null || Number(most.amount) !== 0) return null;
  return ask(
    'spec.budget.limit',
    'A budget of zero pays for no training. How much may it cost at most, in US dollars?',
    '25.00',
  );
}

function privateInCloud({ wishes }: ConflictInput): DraftQuestion | null {
  if (!wishes.cloud || !(wishes.privateOnly || wishes.localOnly)) return null;
  const kept = wishes.privateOnly ? 'no data may leave your network' : 'it runs on your own machine';
  return ask(
    'spec.constraints',
    `The text says that ${kept}, and asks for a public cloud. Which of the two holds?`,
    'Run on our own cluster only: constraints.providers: [kubernetes, local].',
  );
}

function methodWithoutMeans({ named, text, task }: ConflictInput): DraftQuestion | null {
  if (
    named.includes('dpo') &&
    test('no-pairs', text) &&
    (test('nobody-makes', text) || !/instead|collect|synth|生成|create them|make them/.test(text))
  ) {
    return ask(
      'spec.data',
      'Preference tuning (DPO) learns from pairs of a better and a worse answer, and the text says there are none. May pairs be made, or is supervised fine-tuning enough?',
      'Collect 1,000 pairs, or use method: qlora.',
    );
  }
  if (named.includes('full') && named.includes('lora') && test('adapters-only', text)) {
    return ask(
      'spec.constraints.method',
      'LoRA trains small adapters and leaves the original weights as they are; the text also wants all weights trained. Which of the two holds?',
      'lora',
    );
  }
  if (task.capability === 'voice-clone' && test('no-recordings', text)) {
    return ask(
      'spec.data',
      'A voice is copied from recordings of it, and the text says that there are none. Can some be made? A few minutes are enough to begin with.',
      '30 minutes of clean speech in s3://bucket/voice/',
    );
  }
  if (named.includes('rlhf') && test('no-reward', text)) {
    return ask(
      'spec.goal',
      'Reinforcement learning needs a reward: a reward model, a checkable answer or human feedback, and the text rules them out. What should judge the answers?',
      'A script checks the final number.',
    );
  }
  if (/\bq-?lora\b/.test(text) && test('no-quant', text)) {
    return ask(
      'spec.constraints.method',
      'QLoRA trains on a base quantised to 4 bits (0.57 bytes a parameter); the text wants no quantisation. Is LoRA on 16-bit weights (2 bytes a parameter) meant?',
      'lora',
    );
  }
  return null;
}

function methodForOtherModels({ named, model, task }: ConflictInput): DraftQuestion | null {
  const modality = model?.family.modality;
  if (modality === undefined) return null;
  const [method] = named;
  const pictures = method === 'textual-inversion' || method === 'dreambooth';
  if (pictures && modality !== 'image' && (task.evidence.get('image') ?? 0) === 0 + (method === 'dreambooth' ? 5 : 0)) {
    return ask(
      'spec.constraints.method',
      `${method} teaches image models a picture, and ${model?.family.id} is none. Which of the two should it be?`,
      'lora',
    );
  }
  if (pictures && (modality === 'llm' || modality === 'code' || modality === 'audio')) {
    return ask(
      'spec.constraints.method',
      `${method} teaches image models a picture, and ${model?.family.id} is none. Which of the two should it be?`,
      'lora',
    );
  }
  const makes = modality === 'image' || modality === 'video' || modality === 'audio';
  const other = (task.evidence.get('llm') ?? 0) + (task.evidence.get('code') ?? 0);
  if (makes && other >= 9 && (task.evidence.get(modality) ?? 0) === 0 && (task.evidence.get('multimodal') ?? 0) === 0) {
    return ask(
      'spec.constraints.model',
      `${model?.family.id} makes ${modality}, and the text asks for a language task. Which of the two holds?`,
      'Qwen/Qwen2.5-7B-Instruct',
    );
  }
  return null;
}

function licenceOfModel({ wishes, model, catalog }: ConflictInput): DraftQuestion | null {
  if (wishes.licenses.length === 0 || model === undefined) return null;
  const { variant } = model;
  const all = catalog.models.filter(({ family }) => family === model.family.id);
  const same = variant === undefined ? [] : all.filter(({ id }) => id.includes(variant));
  const rows = same.length > 0 ? same : all;
  const licences = [...new Set(rows.map(({ license }) => license.toLowerCase()))];
  if (licences.length === 0 || licences.some((one) => wishes.licenses.includes(one))) return null;
  return ask(
    'spec.constraints.licenses',
    `The text wants ${wishes.licenses.join(' or ')} only, and ${model.family.id} comes under ${licences.join(', ')}. Which of the two holds?`,
    'Use Qwen2.5 7B (apache-2.0) instead.',
  );
}

function memoryTooSmall(input: ConflictInput): DraftQuestion | null {
  const { hardware, task, text, named, sizeB, model } = input;
  const { memoryGb, count } = hardware;
  const modality = task.modality ?? (sizeB === undefined ? null : 'llm');
  if (memoryGb === null || modality === null || isQuestion(text)) return null;
  // A large card without a count is a type, not a limit.
  if (count === null && memoryGb >= 40 && !test('insists', text)) return null;
  const available = memoryGb * Math.max(1, count ?? 1);
  const least = leastMemory(modality, sizeB, named, model, test('no-quant', text));
  if (least === undefined || least.gb <= available) return null;
  return ask(
    'spec.constraints',
    `The text allows ${count ?? 1} x ${memoryGb} GB of GPU memory; ${least.why} = ${round(least.gb)} GB > ${available} GB. May it run on larger or more GPUs, or with a smaller model or QLoRA?`,
    'Use QLoRA on a rented 80 GB GPU.',
  );
}

/** The least memory that any way of doing it needs, with the sum that says so. */
function leastMemory(
  modality: Modality,
  sizeB: number | undefined,
  named: readonly MethodName[],
  model: Mention | undefined,
  unquantised: boolean,
): { readonly gb: number; readonly why: string } | undefined {
  const full = named[0] === 'full';
  const name = model?.family.id ?? 'the model';
  if (sizeB !== undefined && full) {
    return {
      gb: sizeB * BYTES_TRAINED,
      why: `training all weights of ${name} takes ${sizeB}e9 x ${BYTES_TRAINED} bytes`,
    };
  }
  const language = modality === 'llm' || modality === 'code' || modality === 'multimodal';
  if (language) {
    if (sizeB === undefined) return undefined;
    const bytes = named[0] === 'lora' || unquantised ? BYTES_BF16 : BYTES_4BIT;
    return { gb: sizeB * bytes, why: `holding ${sizeB}e9 parameters at ${bytes} bytes each takes` };
  }
  const gb = (model === undefined ? undefined : LARGE_FAMILY_GB[model.family.id]) ?? LEAST_MEDIA_GB[modality];
  if (gb === undefined) return undefined;
  const video = modality === 'video' && sizeB !== undefined ? Math.max(gb, sizeB) : gb;
  return { gb: full ? video * 2 : video, why: `the leanest known adapter training of ${name} takes` };
}

function deviceTooSmall({ text, sizeB, model }: ConflictInput): DraftQuestion | null {
  if (sizeB === undefined || sizeB < 13 || !test('tiny-device', text) || test('use-for-inference', text)) return null;
  return ask(
    'spec.constraints.model',
    `${model?.family.id ?? 'The model'} with ${sizeB}e9 parameters x ${BYTES_4BIT} bytes = ${round(sizeB * BYTES_4BIT)} GB does not run on the small device the text names. May the model be smaller?`,
    'Qwen2.5 1.5B',
  );
}

function processorTooSlow({ text, sizeB, model }: ConflictInput): DraftQuestion | null {
  if (sizeB === undefined || sizeB < 13 || !test('no-gpu', text)) return null;
  // 4 FLOPs a parameter and token, 1e12 FLOP/s: what a desktop processor sustains.
  const days = (4 * sizeB * 1e9 * 1e6) / 1e12 / 86_400;
  return ask(
    'spec.constraints',
    `The text rules out GPUs, and ${model?.family.id ?? 'the model'} takes 4 x ${sizeB}e9 FLOPs a token: one million tokens at 1e12 FLOP/s = ${round(days)} days. May it run on a GPU, or with a smaller model?`,
    'SmolLM2 135M',
  );
}

function budgetTooSmall({ most, named, sizeB, catalog, model }: ConflictInput): DraftQuestion | null {
  if (most === null || named[0] !== 'full' || sizeB === undefined || sizeB < 3) return null;
  const cards = Math.ceil((sizeB * BYTES_TRAINED) / LARGE_CARD_GB);
  const least = cards * CHEAPEST_CARD_HOUR * SHORTEST_RUN_HOURS;
  const budget = usd(most, catalog);
  if (budget >= least) return null;
  return ask(
    'spec.budget.limit',
    `Training all weights of ${model?.family.id ?? 'the model'} needs ${sizeB}e9 x ${BYTES_TRAINED} bytes = ${round(sizeB * BYTES_TRAINED)} GB, so ${cards} x ${LARGE_CARD_GB} GB GPUs; ${cards} x $${CHEAPEST_CARD_HOUR} x ${SHORTEST_RUN_HOURS} h = $${round(least)} > $${round(budget)}. May the budget be higher, or is LoRA enough?`,
    String(Math.ceil(least * 2)),
  );
}

function scratchTooDear({ text, most, sizeB, catalog }: ConflictInput): DraftQuestion | null {
  if (most === null || !test('scratch', text)) return null;
  const size = sizeB ?? 1;
  if (size < 0.7) return null;
  // Twenty tokens a parameter make a model worth its size (Hoffmann et al. 2022); 6 FLOPs a parameter and token.
  const least = (6 * size * 1e9 * (20 * size * 1e9)) / FLOPS_PER_DOLLAR;
  const budget = usd(most, catalog);
  if (budget >= least || sizeB === undefined) return null;
  return ask(
    'spec.goal',
    `Training ${size}e9 parameters from scratch takes 6 x ${size}e9 x 20 x ${size}e9 FLOPs, $${round(least)} at best, and the text allows $${round(budget)}. Is fine-tuning an existing model enough?`,
    'Fine-tune Qwen2.5 7B instead.',
  );
}

const RENTED =
  /(?:for|over|the full|full|während|fur|pendant|durante)\s(?:the )?(?:full )?(?<n>\d+|a|one|two|three|four|five|six)\s(?<unit>hours?|days?|weeks?|months?)/;
const RENT_HOURS: Readonly<Record<string, number>> = { hour: 1, day: 24, week: 168, month: 720 };
const SMALL_NUMBERS = ['', 'one', 'two', 'three', 'four', 'five', 'six'];

function rentedTimeTooDear({ text, most, hardware, catalog }: ConflictInput): DraftQuestion | null {
  const match = RENTED.exec(text);
  if (match === null || most === null || hardware.limit === null || !/[abh][12]00|l40|gh200/.test(hardware.limit))
    return null;
  const { n = '', unit = '' } = match.groups ?? {};
  const number = n === 'a' ? 1 : SMALL_NUMBERS.includes(n) ? SMALL_NUMBERS.indexOf(n) : Number(n);
  const hours = number * (RENT_HOURS[unit.replace(/s$/, '')] ?? 1);
  const cards = hardware.count ?? 1;
  const least = cards * hours * 0.8;
  const budget = usd(most, catalog);
  if (budget >= least) return null;
  return ask(
    'spec.budget.limit',
    `${cards} GPU${cards === 1 ? '' : 's'} x ${hours} h x $0.80 an hour at the very least = $${round(least)} > $${round(budget)}. May the budget be higher, or the run shorter?`,
    String(Math.ceil(least)),
  );
}

function deadlineTooShort(input: ConflictInput): DraftQuestion | null {
  const { deadlineHours, mediaHours, rows, task, hardware, sizeB } = input;
  if (deadlineHours === null || task.modality === null) return null;
  const cards = hardware.count ?? (hardware.limit === null ? 8 : 1);
  const speed = MEDIA_SPEED[task.modality];
  if (mediaHours !== null && speed !== undefined) {
    const needed = mediaHours / (speed * cards);
    return tooLate(
      `${mediaHours} hours of recordings`,
      `${mediaHours} / (${speed} x ${cards} GPUs)`,
      needed,
      deadlineHours,
    );
  }
  if (rows === null) return null;
  const rate =
    ROWS_PER_SECOND[task.modality] ?? (sizeB === undefined ? undefined : BEST_FLOPS / (4 * sizeB * 1e9 * SHORT_ROW));
  if (rate === undefined) return null;
  const needed = rows / (rate * cards) / 3600;
  return tooLate(`${rows} examples`, `${rows} / (${round(rate)} a second x ${cards} GPUs)`, needed, deadlineHours);
}

function tooLate(data: string, sum: string, needed: number, allowed: number): DraftQuestion | null {
  if (needed <= allowed) return null;
  return ask(
    'spec.constraints.deadline',
    `One pass over ${data} takes at least ${sum} = ${round(needed)} h > ${round(allowed)} h. May it take longer, or use less data?`,
    `${Math.ceil(needed * 3)}h`,
  );
}

/** The hardware is asked about, not insisted on. */
function isQuestion(text: string): boolean {
  return test('asks', text) && !test('insists', text);
}

function told({ amount, currency }: Budget): string {
  return `${amount} ${currency}`;
}
