import { latentsOf } from './latents.ts';
import type { MemoryEstimate } from './memory-parts.ts';
import { averageBytes, frozenBytes, sumUp, trainedPart } from './memory-parts.ts';
import type { Workload } from './workload.ts';
import { baseBits, shardCount, trainsAdapter } from './workload.ts';

/** Bytes that a UNet's activations take for a megapixel, in half precision: diffusers' SD 1.4 and SDXL runs. */
const UNET_BYTES_PER_MEGAPIXEL = 10.5e9;
const UNET_CHECKPOINTED = 0.3;
/** Bytes a hidden unit and token of one transformer block: 42 with flash attention, twice for joint text and picture streams. */
const BLOCK_BYTES = 80;
/** Bytes that a VAE takes for a megapixel of tiles and frames. */
const VAE_BYTES_PER_MEGAPIXEL = 0.12e9;

/**
 * Peak memory of a picture or video model's training. Before training,
 * latents and prompt embeddings are computed and their encoders unloaded where
 * cachedLatents is on: the peak is the higher of the two phases.
 */
export function memoryOfLatent(work: Workload): MemoryEstimate {
  const { model } = work;
  const latents = latentsOf(work);
  const shards = shardCount(work);
  const half = work.device.kind === 'cpu' || work.weightPrecision === 'fp32' ? 4 : 2;
  const adapter = trainsAdapter(work);
  const trained = adapter ? undefined : trainedPart(work, model.parameters);
  const rows = work.batchSize * (work.method === 'dreambooth' ? 2 : 1);
  const encoders = (latents.textEncoderParameters + latents.vaeParameters) * half;
  const encoding = encoders + latents.megapixels * VAE_BYTES_PER_MEGAPIXEL;
  const cached = work.cachedLatents !== false;
  // A new word is learned through the text encoder, which therefore stays.
  const kept = work.method === 'textual-inversion' ? latents.textEncoderParameters * half : 0;
  const adapters = adapter ? latentAdapterParameters(work) * (16 + averageBytes(work)) : 0;
  const training = sumUp(
    work,
    {
      weights: trained?.weights ?? (model.parameters * frozenBytes(baseBits(work), half)) / shards,
      beside: cached ? kept : encoding,
      gradients: trained?.gradients ?? 0,
      optimizer: trained?.optimizer ?? 0,
      adapters,
      activations: rows * activationBytes(work, half),
      logits: 0,
      cache: 0,
      step: trained?.step ?? 0,
    },
    trained?.host ?? 0,
  );
  if (!cached || training.total >= encoding) return training;
  return { ...training, overhead: training.overhead + encoding - training.total, total: encoding };
}

function activationBytes(work: Workload, half: number): number {
  const { transformer, tokens, hidden, layers, megapixels } = latentsOf(work);
  if (!transformer) {
    return megapixels * UNET_BYTES_PER_MEGAPIXEL * (half / 2) * (work.gradientCheckpointing ? UNET_CHECKPOINTED : 1);
  }
  const block = tokens * hidden * BLOCK_BYTES * (half / 2);
  return work.gradientCheckpointing ? tokens * hidden * half * layers + block : block * layers;
}

/** Adapters on the attention projections, or on all matrices where that is said; an embedding of one word is a few kilobytes. */
export function latentAdapterParameters(work: Workload): number {
  if (work.method === 'textual-inversion') return 4096;
  const { hidden, layers } = latentsOf(work);
  return (work.loraRank ?? 16) * (work.adapterTargets === 'all' ? 24 : 8) * hidden * layers;
}
