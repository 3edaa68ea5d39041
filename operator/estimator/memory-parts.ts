import type { Optimizer, Workload } from './workload.ts';
import { shardCount, trainsAdapter } from './workload.ts';

/** Peak memory of one device, in bytes, by what holds it. */
export interface MemoryEstimate {
  readonly weights: number;
  /** Models beside the trained one: encoders, reference, reward and value model. */
  readonly beside: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly adapters: number;
  readonly activations: number;
  readonly logits: number;
  /** Keys and values of text being generated. */
  readonly cache: number;
  /** Runtime context, temporary copies and fragmentation. */
  readonly overhead: number;
  readonly total: number;
  /** Main memory of the machine that holds offloaded state, for all its GPUs. */
  readonly host: number;
}

/** CUDA context, library workspaces and communication buffers. */
const CONTEXT = 1.5e9;
const CPU_CONTEXT = 0.7e9;
/** Share of what changes from step to step that the allocator cannot use. */
const FRAGMENTATION = 0.15;

/** nf4: 4 bits, and an fp32 scale for 64 weights (Dettmers et al. 2023, QLoRA; 0.516 where the scales are quantised too). */
const BYTES_4BIT = 0.5625;

/** Bytes that hold a frozen weight of so many bits. */
export function frozenBytes(bits: 4 | 8 | 16, half: number): number {
  return bits === 4 ? BYTES_4BIT : bits === 8 ? 1.02 : half;
}

/** Bytes of weights, gradients and optimizer state of one trained parameter. */
interface TrainedBytes {
  readonly weight: number;
  readonly gradient: number;
  readonly state: number;
  /** Temporary copies while the optimizer steps over many tensors at once. */
  readonly step: number;
}

/** Two moments (Kingma and Ba 2015), of one byte each when quantised in blocks (Dettmers et al. 2022), or row and column sums (Shazeer and Stern 2018). */
const MOMENTS = { adamw: 8, 'adamw-8bit': 2.1, adafactor: 0.1 } satisfies Record<Optimizer, number>;

/**
 * Mixed precision keeps bf16 weight, bf16 gradient, fp32 weight and two fp32
 * moments: 16 bytes (Rajbhandari et al. 2020, ZeRO). Pure bf16 keeps everything in
 * two bytes: 8, and somewhat more than the weights again while the optimizer steps.
 */
export function trainedBytes(work: Workload): TrainedBytes {
  const optimizer = work.optimizer ?? 'adamw';
  const precision = work.device.kind === 'cpu' ? 'fp32' : (work.weightPrecision ?? 'mixed');
  const released = work.releaseGradients === true;
  const moments = MOMENTS[optimizer];
  const average = averageBytes(work);
  if (precision === 'fp32') return { weight: 4, gradient: released ? 0 : 4, state: moments + average, step: 0 };
  if (precision === 'bf16') {
    const state = (optimizer === 'adamw' ? 4 : moments) + average;
    return { weight: 2, gradient: released ? 0 : 2, state, step: optimizer === 'adamw' && !released ? 2.6 : 0 };
  }
  return { weight: 2, gradient: released ? 0 : 2, state: 4 + moments + average, step: 0 };
}

/** Bytes of a trained weight's moving average. */
export function averageBytes({ average }: Workload): number {
  return average === true ? 4 : 0;
}

type Parts = Omit<MemoryEstimate, 'overhead' | 'total' | 'host'> & { readonly step?: number };

/** Adds context and fragmentation; `mixed` rows of very different length leave unused blocks behind. */
export function sumUp(work: Workload, parts: Parts, host = 0): MemoryEstimate {
  const { step = 0, ...held } = parts;
  const lasting = held.weights + held.beside + held.gradients + held.optimizer + held.adapters;
  const passing = held.activations + held.logits + held.cache;
  const context = work.device.kind === 'gpu' ? CONTEXT : CPU_CONTEXT;
  const unused = passing * FRAGMENTATION + lasting * 0.02 + (work.rowLengths === 'mixed' ? mixedRows(held.logits) : 0);
  // Logits are gone when the optimizer steps: the peak is the higher of the two.
  const overhead = context + unused + Math.max(0, step - passing);
  return { ...held, overhead, total: lasting + passing + overhead, host };
}

/**
 * Blocks that rows of other lengths left behind: ms-swift's tables, with rows of
 * 91 to 19548 tokens, hold two to three times what one longest row needs.
 */
function mixedRows(logits: number): number {
  return logits === 0 ? 0 : 2.5 * logits * (logits / 4e9) ** -0.22;
}

/** The trained part: bytes of weights, gradients, state and step, cut into shards; state and gradients may lie in main memory. */
export function trainedPart(work: Workload, parameters: number) {
  const bytes = trainedBytes(work);
  const shards = shardCount(work);
  const local = parameters / shards;
  const offloaded = work.offload === 'optimizer' && !trainsAdapter(work);
  const onMachine = local * (work.device.kind === 'gpu' ? work.device.count : 1);
  return {
    weights: local * bytes.weight,
    gradients: offloaded ? 0 : local * bytes.gradient,
    optimizer: offloaded ? 0 : local * bytes.state,
    step: offloaded ? 0 : local * bytes.step,
    host: offloaded ? onMachine * (bytes.gradient + bytes.state) : 0,
  };
}
