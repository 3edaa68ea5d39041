import type { Shape } from '../catalog/catalog.ts';
import type { Device, Workload } from './workload.ts';
import { isAdapterMethod } from './workload.ts';

/** Peak memory of one device, in bytes, by what holds it. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly adapters: number;
  readonly activations: number;
  readonly logits: number;
  /** Runtime context and fragmentation. */
  readonly overhead: number;
  readonly total: number;
}

const GB = 1e9;
/** CUDA context, kernels and communication buffers. */
const CONTEXT = 1.5 * GB;
const FRAGMENTATION = 0.1;
/** nf4 with double-quantised scales. */
const BYTES_4BIT = 0.57;
/** fp32 master weights, gradient and two Adam moments of a trainable parameter. */
const BYTES_TRAINED = 16;

/** Parameters of rank-r adapters on all linear layers: sum of r x (in + out). Zero without a known shape. */
export function adapterParameters(shape: Shape | undefined, rank: number): number {
  if (shape === undefined) return 0;
  const { hidden, layers, heads, kvHeads, feedForward } = shape;
  const headSize = shape.headSize ?? hidden / heads;
  const perLayer = 2 * (hidden + headSize * heads) + 2 * (hidden + headSize * kvHeads) + 3 * (hidden + feedForward);
  return layers * rank * perLayer;
}

/**
 * Peak memory of one device. Full training needs 16 bytes a parameter with
 * mixed-precision Adam (blog.eleuther.ai/transformer-math), divided over the
 * GPUs when sharded; adapters keep the base frozen. Activations follow
 * Korthikanti et al. 2022 (34 s b h a layer with flash attention, 2 s b h with
 * checkpointing), logits are held in fp32 with their gradient.
 */
export function estimateMemory(work: Workload): MemoryEstimate {
  const { model, method, device } = work;
  if (model.shape === undefined) return publishedMemory(work);
  const shards = device.kind === 'gpu' ? device.count : 1;
  const halfBytes = device.kind === 'gpu' ? 2 : 4;
  const { hidden, layers, vocabulary } = model.shape;
  const adapter = isAdapterMethod(method);
  const embedding = Math.min(vocabulary * hidden, model.parameters);

  const frozenBytes =
    method === 'qlora'
      ? (model.parameters - embedding) * BYTES_4BIT + embedding * halfBytes
      : model.parameters * halfBytes;
  const references = method === 'rlhf' ? 2 : 1;
  const trained = adapter ? 0 : model.parameters;
  const tokens = work.batchSize * work.maxLength * (method === 'dpo' ? 2 : 1);

  const weights = (frozenBytes * references) / shards;
  const gradients = (trained * halfBytes) / shards;
  const optimizer = (trained * (BYTES_TRAINED - 2 * halfBytes)) / shards;
  const adapters = adapter ? (adapterParameters(model.shape, work.loraRank ?? 16) * BYTES_TRAINED) / shards : 0;
  const perLayer = 34 * tokens * hidden * (halfBytes / 2);
  const activations = work.gradientCheckpointing
    ? 2 * tokens * hidden * layers * (halfBytes / 2) + perLayer
    : perLayer * layers;
  const logits = tokens * vocabulary * 4 * 2;
  return sum({ weights, gradients, optimizer, adapters, activations, logits }, device);
}

/** What a device offers, in bytes; undefined when a machine's memory is not known. */
export function memoryOf(device: Device): number | undefined {
  if (device.kind === 'gpu') return device.spec.memoryGb * GB * 0.97;
  return device.memoryBytes === undefined ? undefined : device.memoryBytes * 0.8;
}

/** Image, video and audio models: the published memory of adapter training, scaled where all weights are trained. */
function publishedMemory({ model, method, batchSize, device }: Workload): MemoryEstimate {
  const published = (model.training?.memoryGb ?? 24) * GB;
  const shards = device.kind === 'gpu' ? device.count : 1;
  const weights = model.parameters * 2;
  const activations = Math.max(0, published - weights) * Math.sqrt(batchSize);
  const trained = isAdapterMethod(method) && method !== 'dreambooth' ? 0 : model.parameters;
  return sum(
    {
      weights: method === 'full' ? weights / shards : weights,
      gradients: (trained * 2) / shards,
      optimizer: (trained * 12) / shards,
      adapters: 0,
      activations: activations / (1 + FRAGMENTATION),
      logits: 0,
    },
    device,
  );
}

function sum(parts: Omit<MemoryEstimate, 'overhead' | 'total'>, device: Device): MemoryEstimate {
  const used = Object.values(parts).reduce((total, part) => total + part, 0);
  const context = device.kind === 'gpu' ? CONTEXT : CONTEXT / 2;
  const overhead = context + used * FRAGMENTATION;
  return { ...parts, overhead, total: used + overhead };
}
