import type { Constraints, MethodName, Modality, Quality, Resolved } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Device } from '../estimator/workload.ts';
import { tasksOf } from './tasks.ts';

type Hyperparameters = Resolved['hyperparameters'];
type Lora = NonNullable<Resolved['method']['lora']>;

export interface RuleInput {
  readonly model: ModelSpec;
  readonly modality: Modality;
  readonly method: MethodName;
  readonly quality: Quality;
  readonly device: Device;
  /** Training rows; images or clips for other modalities. */
  readonly rows: number;
  readonly longestRow?: number;
  readonly constraints: Constraints;
}

/** Seed of training and of the split of its rows, where the goal sets none. */
export const DEFAULT_SEED = 7;
/** Up to so many pictures or clips a look is learned by heart rather than by passes. */
const FEW_PICTURES = 1000;
/**
 * Music is learned by many passes: published runs make from 4 (27 minutes of MusicGen) over 10 (1559 clips) to hundreds
 * (37 tracks of ACE-Step).
 */
const MUSIC_EPOCHS = { quick: 4, standard: 10, high: 20, flagship: 30 } as const;
/** From this size on, plain AdamW asks for more memory than eight of the usual cards have. */
const STATE_TOO_LARGE_B = 24;
/** Large sets of pictures, clips and sound are learned from in batches: published runs take 16 and more at a time. */
const LARGE_SET_BATCH = 16;
const LARGE_SET_METHODS: ReadonlySet<MethodName> = new Set<MethodName>(['lora', 'qlora', 'full']);
/** A processor takes seconds a step: this many steps is a run that a person waits for. */
const CPU_STEPS = { quick: 40, standard: 80, high: 200, flagship: 400 } as const;

/**
 * Starting values that a careful engineer would choose by model size, method and
 * number of rows. Whatever the goal constrains wins over every rule.
 */
export function chooseHyperparameters(input: RuleInput): Hyperparameters {
  const { model, method, device, constraints, rows } = input;
  const batch = chooseBatch(input);
  return {
    ...extent(input),
    ...batch,
    learningRate: constraints.learningRate ?? learningRate(model, method),
    warmupRatio: constraints.warmupRatio ?? (rows < 1000 ? '0.1' : '0.03'),
    scheduler: method === 'textual-inversion' ? 'constant' : 'cosine',
    maxLength: chooseMaxLength(input),
    seed: constraints.seed ?? DEFAULT_SEED,
    checkpointEverySteps: constraints.checkpointEverySteps ?? 50,
    precision: precision(device),
    gradientCheckpointing: constraints.gradientCheckpointing ?? (device.kind === 'gpu' && model.parameters > 2e9),
    ...(method === 'full' && model.parameters > STATE_TOO_LARGE_B * 1e9 && LEAN),
    ...(constraints.emaDecay !== undefined && { emaDecay: constraints.emaDecay }),
  };
}

/** Training all weights of a large model: eight-bit optimizer state, no second copy of the weights. */
export const LEAN = { optimizer: 'adamw-8bit', weightPrecision: 'bf16' } as const;

/** Steps that somebody chose stand alone, and so do those of pictures and clips; on a processor steps end the passes early. */
function extent(input: RuleInput): { epochs?: number; maxSteps?: number } {
  const { epochs, maxSteps } = input.constraints;
  if (maxSteps !== undefined) return { maxSteps };
  if (epochs !== undefined) return { epochs };
  if (input.device.kind === 'cpu') return { epochs: chooseEpochs(input), maxSteps: CPU_STEPS[input.quality] };
  const steps = stepsForPictures(input);
  return steps === undefined ? { epochs: chooseEpochs(input) } : { maxSteps: steps };
}

/** Adapter settings, for methods that train an adapter. Rank grows with the data; alpha is twice the rank. */
export function chooseLora({ method, rows, quality, modality }: RuleInput): Lora | undefined {
  if (method === 'full' || method === 'textual-inversion') return undefined;
  const r = quality === 'flagship' || (quality === 'high' && rows >= 1000) ? 64 : rows >= 10_000 ? 32 : 16;
  const text = modality === 'llm' || modality === 'code' || modality === 'multimodal';
  return {
    r,
    alpha: 2 * r,
    dropout: rows < 1000 && text ? '0.05' : '0',
    // Sound models are built in many ways: the trainer knows the layers of each.
    targets: text || modality === 'audio' ? ['all-linear'] : ['to_q', 'to_k', 'to_v', 'to_out.0'],
  };
}

function learningRate(model: ModelSpec, method: MethodName): string {
  const billions = model.parameters / 1e9;
  switch (method) {
    case 'lora':
    case 'qlora':
      if (model.shape === undefined) return '0.0001';
      return billions < 0.2 ? '0.001' : billions < 1 ? '0.0005' : billions < 20 ? '0.0002' : '0.0001';
    case 'full':
      return billions < 0.2 ? '0.0001' : billions < 1 ? '0.00005' : billions < 10 ? '0.00002' : '0.00001';
    case 'dpo':
      return '0.000005';
    case 'rlhf':
      return '0.000001';
    case 'dreambooth':
      return '0.0001';
    case 'textual-inversion':
      return '0.0005';
    case 'voice-clone':
      return '0.000005';
  }
}

/** What the goal sets of a batch stands; one that sets only the rows of a device takes them in one piece. */
function chooseBatch(input: RuleInput) {
  const { batchSize, gradientAccumulation } = input.constraints;
  if (batchSize !== undefined) return { batchSize, gradientAccumulation: gradientAccumulation ?? 1 };
  const usual = usualBatch(input);
  return gradientAccumulation === undefined ? usual : { ...usual, gradientAccumulation };
}

/** Few rows need small batches: enough updates matter more there than smooth ones. */
function usualBatch({ rows, device, model, method }: RuleInput) {
  if (device.kind === 'cpu') return { batchSize: 2, gradientAccumulation: 1 };
  if (model.shape === undefined) {
    const together = rows > FEW_PICTURES && LARGE_SET_METHODS.has(method) ? LARGE_SET_BATCH : 1;
    return { batchSize: 1, gradientAccumulation: Math.max(1, Math.round(together / device.count)) };
  }
  const effective = rows < 500 ? 4 : rows < 5000 ? 16 : method === 'full' ? 64 : 32;
  const perDevice = Math.min(model.parameters > 10e9 ? 2 : model.parameters > 3e9 ? 4 : 8, effective);
  const accumulation = Math.max(1, Math.round(effective / (perDevice * device.count)));
  return { batchSize: perDevice, gradientAccumulation: accumulation };
}

function chooseEpochs({ rows, method, quality, model }: RuleInput): number {
  if (tasksOf(model).includes('music')) return Math.ceil(MUSIC_EPOCHS[quality] / (rows > 20_000 ? 2 : 1));
  if (method === 'dpo' || method === 'rlhf') return 1;
  const base = rows < 1000 ? 4 : rows < 20_000 ? 3 : rows < 100_000 ? 2 : 1;
  if (quality === 'quick') return Math.max(1, Math.ceil(base / 2));
  return quality === 'standard' ? base : base + 1;
}

/** Models that learn from few pictures or clips are counted in steps, about a hundred for each; large sets in passes. */
function stepsForPictures({ modality, method, rows }: RuleInput): number | undefined {
  if (method === 'full' || rows > FEW_PICTURES) return undefined;
  if (modality === 'image') return method === 'textual-inversion' ? 3000 : clamp(rows * 100, 800, 3000);
  return modality === 'video' ? clamp(rows * 40, 800, 3000) : undefined;
}

function chooseMaxLength({ constraints, longestRow, device, model }: RuleInput): number {
  if (constraints.maxLength !== undefined) return Math.min(constraints.maxLength, model.context);
  const usual = device.kind === 'cpu' ? 512 : 2048;
  if (longestRow === undefined) return Math.min(usual, model.context);
  return Math.min(usual, model.context, Math.max(64, Math.ceil(longestRow / 64) * 64));
}

function precision(device: Device): Hyperparameters['precision'] {
  if (device.kind === 'cpu') return 'fp32';
  return device.spec.arch === 'turing' ? 'fp16' : 'bf16';
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
