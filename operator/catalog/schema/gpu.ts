import { z } from 'zod';
import { date, id } from './common.ts';

const gpu = z.strictObject({
  id,
  title: z.string(),
  /** The marketed size. */
  memoryGb: z.number().positive(),
  /** Dense tensor throughput with bf16 inputs; with fp16 inputs where the chip has no bf16. */
  bf16Tflops: z.number().positive(),
  bandwidthGbs: z.number().positive(),
  arch: z.enum(['volta', 'turing', 'ampere', 'ada', 'hopper', 'blackwell', 'cdna3']),
  /** False for chips older than bf16: training needs fp16 with loss scaling. */
  bf16: z.boolean().default(true),
  /** Link to the other GPUs of its machine. */
  link: z.enum(['nvlink', 'pcie', 'infinity-fabric']).default('pcie'),
  names: z.strictObject({ runpod: z.string().optional(), modal: z.string().optional(), kubernetes: z.string() }),
  verified: z.boolean(),
  source: z.string().min(1),
});

export const gpuFile = z.strictObject({ asOf: date, gpus: z.array(gpu) });

/** A GPU; `asOf` comes from its file. */
export type GpuSpec = z.infer<typeof gpu> & { readonly asOf: string };
