import type { Dimensions } from './dimensions.ts';
import { dimensionsOf } from './dimensions.ts';
import type { MemoryEstimate } from './memory-parts.ts';
import { frozenBytes, sumUp, trainedPart } from './memory-parts.ts';
import type { Workload } from './workload.ts';
import { baseBits, shardCount, trainsAdapter } from './workload.ts';

/** Weight, gradient and two moments of an adapter parameter, all fp32 (PEFT keeps adapters in fp32). */
const ADAPTER_BYTES = 16;
/** Bytes a logit takes at the peak: bf16 result, fp32 copy, softmax and gradient; less where some of these are left out. */
const LOGIT_BYTES = { full: 14, autocast: 10.6, half: 6, chunked: 1.5 } as const;

/** Parameters of rank-r adapters on all linear layers: sum of r x (in + out) (Hu et al. 2021, LoRA). */
export function adapterParameters(model: Workload['model'], rank: number): number {
  const { hidden, layers, heads, kvHeads, headSize, feedForward, feedForwardMatrices } = dimensionsOf(model);
  const attention = 2 * (hidden + headSize * heads) + 2 * (hidden + headSize * kvHeads);
  return layers * rank * (attention + feedForwardMatrices * (hidden + feedForward));
}

/**
 * Peak memory of a language model's training on one device. Activations follow
 * Korthikanti et al. (2022) for flash attention and a gated feed-forward block: about 20 bytes
 * a hidden unit and 8 a feed-forward unit for each token and layer, 2 bytes a
 * hidden unit and layer with recomputation. DPO holds both answers, and a
 * reference only where no adapter can be switched off (Rafailov et al. 2023).
 */
export function memoryOfLanguage(work: Workload): MemoryEstimate {
  const { model, method } = work;
  const shape = dimensionsOf(model);
  const shards = shardCount(work);
  const half = work.device.kind === 'gpu' ? 2 : 4;
  const adapter = trainsAdapter(work);
  const trained = adapter ? undefined : trainedPart(work, model.parameters);
  const base = frozen(work, shape, half) / shards;
  const vision = model.architecture?.vision;
  const images = (work.imagesPerRow ?? 0) * work.batchSize;
  const pictured = work.maxLength + (work.imagesPerRow ?? 0) * (vision?.tokensPerImage ?? 0);
  const tokens = work.batchSize * pictured * (method === 'dpo' ? 2 : 1);
  const activations =
    activationBytes(work, shape, tokens, half) + images * (vision === undefined ? 0 : visionActivations(vision, half));
  const gathered = shards === 1 ? 0 : largestGather(shape, half);
  return sumUp(
    work,
    {
      weights: trained?.weights ?? base,
      beside: besideModels(work, base, half) + gathered,
      gradients: (trained?.gradients ?? 0) + (work.releaseGradients === true ? (shape.embedding * half) / shards : 0),
      optimizer: trained?.optimizer ?? 0,
      adapters: adapter
        ? (adapterParameters(model, work.loraRank ?? 16) * ADAPTER_BYTES) / (work.sharding === 'base' ? 1 : shards)
        : 0,
      activations,
      logits: tokens * shape.vocabulary * LOGIT_BYTES[work.loss ?? 'full'],
      cache: method === 'rlhf' ? cacheBytes(work, shape, half) : 0,
      step: trained?.step ?? 0,
    },
    trained?.host ?? 0,
  );
}

/** The base as it is loaded: quantised layers, embeddings and output matrix in fp32 (PEFT's prepare_model_for_kbit_training). */
function frozen(work: Workload, { embedding }: Dimensions, half: number): number {
  const bits = baseBits(work);
  const { parameters } = work.model;
  if (bits === 16) return parameters * half;
  const kept = Math.min(parameters, 2 * embedding);
  return (
    (parameters - kept) * frozenBytes(bits, half) +
    kept * (work.stack === undefined || work.stack === 'plain' ? 4 : half)
  );
}

function activationBytes(work: Workload, shape: Dimensions, tokens: number, half: number): number {
  const { hidden, layers, feedForward } = shape;
  const layer = tokens * (20 * hidden + 8 * feedForward) * (half / 2);
  if (!work.gradientCheckpointing) return layer * layers;
  return 2 * tokens * hidden * layers * (half / 2) + 2 * layer;
}

/** Sharded training gathers a layer, and the embeddings, at a time; the next two are fetched meanwhile. */
function largestGather(shape: Dimensions, half: number): number {
  const layer = (shape.activeParameters - shape.embedding) / shape.layers;
  return half * (3 * layer + shape.embedding);
}

/** Reference of DPO; reference, reward and value model of RLHF. With adapters the reference is the base, seen without them. */
function besideModels(work: Workload, base: number, half: number): number {
  const copy = (work.model.parameters * half) / shardCount(work);
  if (work.method === 'dpo') return trainsAdapter(work) ? 0 : copy;
  if (work.method !== 'rlhf') return 0;
  return trainsAdapter(work) ? base : 3 * copy;
}

/** Keys and values: 2 x layers x key-value width a token (Pope et al. 2022). */
function cacheBytes(work: Workload, { layers, kvHeads, headSize }: Dimensions, half: number): number {
  return 2 * layers * kvHeads * headSize * half * work.batchSize * work.maxLength;
}

function visionActivations(vision: { hidden: number; layers: number; tokensPerImage: number }, half: number): number {
  return 2 * vision.tokensPerImage * vision.hidden * (2 * vision.layers + 34) * (half / 2);
}
