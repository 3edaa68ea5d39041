import type { Modality } from '@kriptik/crds';
import { z } from 'zod';

/** Shapes of the data files. Each row carries where its figures come from and whether they were checked. */

const modality = z.enum(['llm', 'image', 'video', 'audio', 'multimodal', 'code']) satisfies z.ZodType<Modality>;
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a date as YYYY-MM-DD');
const decimal = z.string().regex(/^\d+(\.\d+)?$/, 'write a decimal number as a string');
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/);

/** A transformer's dimensions, as the memory estimate needs them. */
const shape = z.strictObject({
  hidden: z.int().positive(),
  layers: z.int().positive(),
  heads: z.int().positive(),
  kvHeads: z.int().positive(),
  /** Width of a head where it is not hidden / heads. */
  headSize: z.int().positive().optional(),
  feedForward: z.int().positive(),
  vocabulary: z.int().positive(),
});

/** Published speed and memory of LoRA training, for models whose cost is not told by tokens and parameters. */
const training = z.strictObject({
  gpu: id,
  secondsPerStep: z.number().positive(),
  memoryGb: z.number().positive(),
  source: z.string(),
});

const model = z.strictObject({
  id,
  title: z.string(),
  family: id,
  variant: z.enum(['instruct', 'base', 'distilled']),
  size: decimal,
  hub: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  mirrors: z.array(z.string().regex(/^(pypi|file|s3):\/\//)).default([]),
  parameters: z.int().positive(),
  context: z.int().positive(),
  license: z.string(),
  gated: z.boolean().default(false),
  shape: shape.optional(),
  training: training.optional(),
  verified: z.boolean(),
  source: z.string(),
});

export const modelFile = z.strictObject({ asOf: date, modality, models: z.array(model) });

export const familyFile = z.strictObject({
  families: z.array(z.strictObject({ id, modality, default: id.optional(), names: z.array(z.string()).min(1) })),
});

const gpu = z.strictObject({
  id,
  title: z.string(),
  memoryGb: z.number().positive(),
  bf16Tflops: z.number().positive(),
  bandwidthGbs: z.number().positive(),
  arch: z.enum(['turing', 'ampere', 'ada', 'hopper', 'blackwell']),
  names: z.strictObject({ runpod: z.string().optional(), modal: z.string().optional(), kubernetes: z.string() }),
  verified: z.boolean(),
  source: z.string(),
});

export const gpuFile = z.strictObject({ asOf: date, gpus: z.array(gpu) });

const price = z.strictObject({
  provider: id,
  tier: z.string(),
  gpu: id,
  instance: z.string(),
  gpus: z.int().positive(),
  usdPerGpuHour: decimal,
  asOf: date,
  verified: z.boolean(),
  source: z.string(),
});

export const priceFile = z.strictObject({ prices: z.array(price) });

export const fxFile = z.strictObject({
  asOf: date,
  source: z.string(),
  rates: z.record(z.string().regex(/^[A-Z]{3}$/), decimal),
});

const rate = z.strictObject({ value: z.number().positive(), source: z.string() });

/** Constants of the time estimate; each with the measurement it was taken from. */
export const speedFile = z.strictObject({
  asOf: date,
  utilisation: z.strictObject({ full: rate, lora: rate, qlora: rate, dpo: rate, rlhf: rate }),
  cpuGflopsPerCore: rate,
  cpuSecondsPerStepOverhead: rate,
  gpuSecondsPerStepOverhead: rate,
  diskMegabytesPerSecond: rate,
  downloadMegabytesPerSecond: rate,
  startSeconds: z.strictObject({ local: rate, cloud: rate }),
  teardownSeconds: z.strictObject({ local: rate, cloud: rate }),
  spread: z.strictObject({ low: rate, high: rate }),
  storageUsdPerGbMonth: rate,
});

export type Family = z.infer<typeof familyFile>['families'][number];
export type Shape = z.infer<typeof shape>;
export type GpuSpec = z.infer<typeof gpu>;
export type PriceRow = z.infer<typeof price>;
export type Fx = z.infer<typeof fxFile>;
export type Speeds = z.infer<typeof speedFile>;
/** A base model; `modality` and `asOf` come from its file. */
export type ModelSpec = z.infer<typeof model> & { readonly modality: Modality; readonly asOf: string };
