import type { MethodName } from '@kriptik/crds';
import type { GpuSpec, ModelSpec } from '../catalog/catalog.ts';

/** Where the work runs: GPUs of one kind in one machine, or the processor cores of a machine. */
export type Device =
  | { readonly kind: 'gpu'; readonly spec: GpuSpec; readonly count: number }
  | { readonly kind: 'cpu'; readonly cores: number; readonly memoryBytes?: number };

/** What the estimates need to know of a base model; every row of the catalog has it. */
export type WorkModel = Pick<ModelSpec, 'modality' | 'family' | 'parameters' | 'shape' | 'architecture'>;

/**
 * Software that a speed was published for, or is expected of. plain: Hugging
 * Face Trainer, PEFT, TRL, diffusers, which is what plans are made for. fused:
 * hand-written kernels (Unsloth, Liger). tuned: pretraining stacks with packed rows and
 * compiled or fused layers (llm-foundry, torchtitan, Megatron).
 */
export type Stack = 'plain' | 'fused' | 'tuned';

/** adamw keeps two fp32 moments, adamw-8bit two of one byte, adafactor only sums over rows and columns. */
export type Optimizer = 'adamw' | 'adamw-8bit' | 'adafactor';

/** One training run, described by what decides its memory, time and cost. */
export interface Workload {
  readonly model: WorkModel;
  readonly method: MethodName;
  /** Rank of the adapters. Absent: DPO, RLHF, DreamBooth and voice cloning train every weight. */
  readonly loraRank?: number;
  /** Which matrices get adapters; all of them where absent. */
  readonly adapterTargets?: 'all' | 'attention';
  /** Rows of one device in one forward pass. */
  readonly batchSize: number;
  readonly gradientAccumulation: number;
  /** Longest row that is kept, in tokens. */
  readonly maxLength: number;
  /** Mean row after cutting, in tokens; not used for pictures, videos and sound. */
  readonly tokensPerRow: number;
  /** Rows are joined to full length; otherwise each batch is padded to its longest row. */
  readonly packed?: boolean;
  readonly steps: number;
  readonly gradientCheckpointing: boolean;
  readonly device: Device;
  /** Machines like the device; 1 where absent. */
  readonly nodes?: number;
  /** True when instances are rented: they start slower and their disk is billed. */
  readonly rented: boolean;
  /** Optimizer steps between checkpoints; ten checkpoints a run where absent. */
  readonly checkpointEverySteps?: number;
  /** Rows of the training data, where known: preparing them takes time. */
  readonly rows?: number;
  /** adamw where absent. */
  readonly optimizer?: Optimizer;
  /** A moving average of the trained weights is kept beside them, in fp32. */
  readonly average?: boolean;
  /** Keep optimizer state and gradients in the machine's main memory (ZeRO-Offload). */
  readonly offload?: 'none' | 'optimizer';
  /** mixed: fp32 master weights beside bf16 ones. bf16: no master weights. fp32: nothing smaller. Mixed where absent. */
  readonly weightPrecision?: 'mixed' | 'bf16' | 'fp32';
  /** Each gradient is applied and dropped as soon as it is known; not possible with gradient accumulation. */
  readonly releaseGradients?: boolean;
  /** full: logits of all tokens at once, in fp32. autocast: only the softmax in fp32. half: nothing in fp32. chunked: a part at a time (Liger, torchtune). Full where absent. */
  readonly loss?: 'full' | 'autocast' | 'half' | 'chunked';
  /** mixed: rows of very different length in an allocator that cannot grow its blocks. Fixed where absent. */
  readonly rowLengths?: 'fixed' | 'mixed';
  /** Bits of a frozen base: 4 for qlora, 16 elsewhere, where absent. */
  readonly baseBits?: 4 | 8 | 16;
  /**
   * How several GPUs share the model: shards of all of it (FSDP, ZeRO-3), shards of a frozen base with whole adapters in
   * each, or a copy each. Shards of all where absent.
   */
  readonly sharding?: 'full' | 'base' | 'none';
  readonly stack?: Stack;
  /** Pixels of a side; the short side of videos. The model's usual size where absent. */
  readonly resolution?: number;
  /** Width over height; 1 for pictures and 16/9 for videos where absent. */
  readonly aspect?: number;
  readonly frames?: number;
  /** Latents and prompt embeddings are computed before training, and their encoders unloaded. True where absent. */
  readonly cachedLatents?: boolean;
  /** Length of a clip of sound in seconds; the model's usual one where absent. */
  readonly clipSeconds?: number;
  /** Pictures of a row whose tokens tokensPerRow does not hold already. */
  readonly imagesPerRow?: number;
  /** Tokens that RLHF generates for a row; half of maxLength where absent. */
  readonly generatedTokens?: number;
}

/** Whether small added matrices are trained rather than the base weights. */
export function trainsAdapter({ method, loraRank }: Pick<Workload, 'method' | 'loraRank'>): boolean {
  if (method === 'full') return false;
  return method === 'lora' || method === 'qlora' || method === 'textual-inversion' || loraRank !== undefined;
}

/** GPUs of all machines together; 1 for a processor. */
export function deviceCount({ device, nodes = 1 }: Pick<Workload, 'device' | 'nodes'>): number {
  return device.kind === 'gpu' ? device.count * nodes : 1;
}

/** Over how many GPUs each copy of the model is cut. */
export function shardCount(work: Pick<Workload, 'device' | 'nodes' | 'sharding'>): number {
  return work.sharding === 'none' ? 1 : deviceCount(work);
}

/** Bits in which the base weights are held. */
export function baseBits({ method, baseBits: bits }: Pick<Workload, 'method' | 'baseBits'>): 4 | 8 | 16 {
  return bits ?? (method === 'qlora' ? 4 : 16);
}
