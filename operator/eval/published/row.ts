import type { MethodName } from '@kriptik/crds';

/** Columns of a table of published runs; others may follow and are not read. */
export const COLUMNS = [
  'method',
  'params_b',
  'modality',
  'gpu',
  'gpus',
  'seq_len',
  'batch',
  'quantity',
  'value',
  'note',
] as const;

export const QUANTITIES = [
  'tokens_per_s_per_gpu',
  'samples_per_s',
  'seconds_per_step',
  'hours',
  'memory_gb',
  'memory_gib',
] as const;
export type Quantity = (typeof QUANTITIES)[number];

/** One published run as its line states it. */
export interface PublishedRow {
  /** Line of the file, the header being 1. */
  readonly line: number;
  readonly method: MethodName;
  readonly billions: number;
  readonly modality: 'llm' | 'code' | 'image' | 'video' | 'audio' | 'multimodal';
  readonly gpu: string;
  readonly gpus: number;
  readonly sequence?: number;
  readonly batch?: number;
  readonly quantity: Quantity;
  readonly value: number;
  readonly note: string;
}

export interface BadRow {
  readonly line: number;
  readonly problem: string;
}

export interface PublishedTable {
  readonly rows: readonly PublishedRow[];
  readonly bad: readonly BadRow[];
}

const METHODS: Readonly<Record<string, MethodName>> = {
  full: 'full',
  'full-finetune': 'full',
  finetune: 'full',
  'fine-tune': 'full',
  sft: 'full',
  pretrain: 'full',
  pretraining: 'full',
  lora: 'lora',
  dora: 'lora',
  qlora: 'qlora',
  dpo: 'dpo',
  orpo: 'dpo',
  rlhf: 'rlhf',
  ppo: 'rlhf',
  grpo: 'rlhf',
  dreambooth: 'dreambooth',
  'textual-inversion': 'textual-inversion',
  'voice-clone': 'voice-clone',
  voice: 'voice-clone',
  tts: 'voice-clone',
};

const MODALITIES: Readonly<Record<string, PublishedRow['modality']>> = {
  llm: 'llm',
  text: 'llm',
  language: 'llm',
  code: 'code',
  image: 'image',
  picture: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'audio',
  speech: 'audio',
  tts: 'audio',
  asr: 'audio',
  music: 'audio',
  multimodal: 'multimodal',
  vlm: 'multimodal',
  vision: 'multimodal',
};

/** Reads a tab-separated table of published runs; lines that cannot be read are named with what is wrong. */
export function readPublished(text: string): PublishedTable {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const headerAt = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const header = (lines[headerAt] ?? '').split('\t').map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((name) => !header.includes(name) && name !== 'note');
  if (missing.length > 0) {
    return { rows: [], bad: [{ line: headerAt + 1, problem: `the header lacks ${missing.join(', ')}` }] };
  }
  const rows: PublishedRow[] = [];
  const bad: BadRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index <= headerAt || line.trim() === '' || line.startsWith('#')) continue;
    const cells = line.split('\t').map((cell) => cell.trim());
    const read = readRow(index + 1, (name) => cells[header.indexOf(name)] ?? '');
    if (typeof read === 'string') bad.push({ line: index + 1, problem: read });
    else rows.push(read);
  }
  return { rows, bad };
}

function readRow(line: number, cell: (name: string) => string): PublishedRow | string {
  const method = methodOf(cell('method'));
  if (method === undefined) return `unknown method "${cell('method')}"`;
  const modality = MODALITIES[cell('modality').toLowerCase()];
  if (modality === undefined) return `unknown modality "${cell('modality')}"`;
  const quantity = QUANTITIES.find((name) => name === cell('quantity').toLowerCase());
  if (quantity === undefined) return `unknown quantity "${cell('quantity')}": write one of ${QUANTITIES.join(', ')}`;
  const billions = numberOf(cell('params_b'));
  if (billions === undefined || billions <= 0) return `params_b "${cell('params_b')}" is not a positive number`;
  const value = numberOf(cell('value'));
  if (value === undefined || value <= 0) return `value "${cell('value')}" is not a positive number`;
  if (cell('gpu') === '') return 'no gpu';
  const gpus = cell('gpus') === '' ? 1 : numberOf(cell('gpus'));
  if (gpus === undefined || gpus < 1 || gpus > 100_000) return `gpus "${cell('gpus')}" is not a number of GPUs`;
  const sequence = numberOf(cell('seq_len'));
  const batch = numberOf(cell('batch'));
  return {
    line,
    method,
    billions,
    modality,
    gpu: cell('gpu'),
    gpus: Math.round(gpus),
    ...(sequence !== undefined && sequence > 0 && { sequence }),
    ...(batch !== undefined && batch > 0 && { batch }),
    quantity,
    value,
    note: cell('note'),
  };
}

/** "full", "LoRA", "llm-qlora", "full fine-tune": the last known word decides. */
function methodOf(text: string): MethodName | undefined {
  const name = text.toLowerCase().replaceAll(/[\s_]+/g, '-');
  const whole = METHODS[name];
  if (whole !== undefined) return whole;
  const known = Object.keys(METHODS)
    .filter((key) => new RegExp(`(^|-)${key}(-|$)`).test(name))
    .toSorted((a, b) => b.length - a.length);
  const [longest] = known.includes('qlora') ? ['qlora'] : known;
  return longest === undefined ? undefined : METHODS[longest];
}

/** "6.66", "7B", "350M", "2,048", "8x": the first number, with its unit in billions for parameters. */
function numberOf(text: string): number | undefined {
  const match = /^[~≈<>]*\s*(\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*([mk])?/i.exec(text);
  if (match === null) return undefined;
  const scale = match[2] === undefined ? 1 : match[2].toLowerCase() === 'm' ? 1e-3 : 1e3;
  return Number(match[1]?.replaceAll(',', '')) * scale;
}
