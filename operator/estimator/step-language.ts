import type { GpuSpec, Speeds } from '../catalog/catalog.ts';
import { dimensionsOf } from './dimensions.ts';
import { soundOf } from './sound.ts';
import { attainableFlops, overlapped } from './speed.ts';
import type { Workload } from './workload.ts';
import { baseBits, deviceCount, shardCount, trainsAdapter } from './workload.ts';

/** What one optimizer step of a language model does on one GPU. */
export interface LanguageWork {
  /** Tokens of one micro-step: both answers of a preference pair, pictures included. */
  readonly tokens: number;
  /** Sequence length that attention sees. */
  readonly sequence: number;
  /** FLOPs of one micro-step in matrices that every token meets. */
  readonly matrix: number;
  /** FLOPs of one micro-step in attention scores and values. */
  readonly attention: number;
  /** Forward passes that cost as much as this work: 3 for training every weight, 2 for adapters, one more with recomputation. */
  readonly passes: number;
}

/**
 * Arithmetic of a micro-step. Forward takes 2 FLOPs a weight and token, the
 * gradient of activations 2, that of weights 2 (Kaplan et al. 2020); adapters need
 * no gradient of frozen weights, recomputation adds a forward pass
 * (Korthikanti et al. 2022). Causal attention takes 2 s h a layer and token
 * forward and 2.5 times that back (Dao 2023). DPO scores both answers with
 * the reference as well.
 */
export function languageWork(work: Workload): LanguageWork {
  const shape = dimensionsOf(work.model);
  const adapter = trainsAdapter(work);
  const vision = work.model.architecture?.vision;
  const images = (work.imagesPerRow ?? 0) * work.batchSize;
  const sequences = work.method === 'dpo' ? 2 : 1;
  const sequence = paddedRow(work) + (work.imagesPerRow ?? 0) * (vision?.tokensPerImage ?? 0);
  const tokens = sequence * work.batchSize * sequences;
  const recomputed = work.gradientCheckpointing ? 1 : 0;
  const reference = work.method === 'dpo' ? 1 : 0;
  const passes = (adapter ? 2 : 3) + recomputed + reference;
  const pass = 2 * shape.activeParameters * tokens;
  const tower = vision === undefined ? 0 : 2 * vision.parameters * vision.tokensPerImage * images * (adapter ? 1 : 3);
  const scores = 2 * sequence * shape.heads * shape.headSize * shape.layers * tokens;
  return {
    tokens,
    sequence,
    matrix: passes * pass + tower,
    attention: scores * (3.5 + recomputed + reference),
    passes,
  };
}

/** Growth of the longest of n rows over their mean, with every doubling of n (ms-swift's batches of 1 to 8 rows). */
const PADDING = 0.19;

/** Speech models that are language models see a clip as the tokens of its codec. */
function rowTokens(work: Workload): number {
  const { modality, architecture } = work.model;
  return modality === 'audio' && architecture?.audio !== undefined ? soundOf(work).tokens : work.tokensPerRow;
}

/** Rows of a batch are padded to its longest one, unless they are packed. */
function paddedRow(work: Workload): number {
  const { batchSize, maxLength, packed } = work;
  const tokensPerRow = rowTokens(work);
  if (packed === true) return tokensPerRow;
  return Math.max(tokensPerRow, Math.min(maxLength, tokensPerRow * (1 + PADDING * Math.log2(batchSize))));
}

/** Bytes of one logit's way through a loss in fp32, read and written. */
const LOSS_BYTES = 24;
/** Bytes the optimizer reads and writes for one trained weight: fp32 weight, gradient, two moments. */
const OPTIMIZER_BYTES = 30;

/** Seconds of one optimizer step of a language model on GPUs. */
export function languageStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  if (work.method === 'rlhf') return rlhfStep(work, gpu, speeds);
  return work.gradientAccumulation * microStep(work, gpu, speeds) + optimizerStep(work, gpu, speeds);
}

function microStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const { fitted } = speeds;
  const shape = dimensionsOf(work.model);
  const stack = work.stack ?? 'plain';
  const { tokens, matrix, attention, passes } = languageWork(work);
  const mixture = work.model.shape?.experts === undefined ? 1 : fitted.mixture[stack];
  const flops = attainableFlops(gpu, speeds) * fitted.matmul[gpu.arch] * mixture;
  const kernels = stack === 'tuned' ? fitted.tunedAttention : 1;
  const attentionFlops = attainableFlops(gpu, speeds) * speeds.attention[gpu.arch].value * kernels;
  const bandwidth = gpu.bandwidthGbs * 1e9;
  const width = shape.hidden * 0.5 + (shape.feedForward * 0.5) / 2.69;
  const adapted = !trainsAdapter(work) || stack === 'fused' ? 0 : work.adapterTargets === 'attention' ? 0.25 : 1;
  const adapterBytes = adapted * fitted.adapterBytesPerWidth;
  const moved = tokens * shape.layers * width * (fitted.bytesPerWidth[stack] + adapterBytes) * (passes / 3);
  const loss = stack === 'plain' ? tokens * shape.vocabulary * LOSS_BYTES : 0;
  const unpacked = baseBits(work) === 16 ? 0 : work.model.parameters * fitted.unpackBytes * passes;
  const compute = matrix / flops + attention / attentionFlops + (moved + loss + unpacked) / bandwidth;
  const launches = (shape.layers * fitted.layerMilliseconds[stack] * (work.gradientCheckpointing ? 1 : 0.75)) / 1e3;
  return overlapped(overlapped(compute, launches), communication(work, gpu, speeds));
}

/** Gathering the shards for each pass, and scattering gradients where all weights are trained (Zhao et al. 2023, FSDP). */
function communication(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const shards = shardCount(work);
  if (shards === 1) return 0;
  const links = speeds.linkGigabytesPerSecond;
  const link = (work.nodes ?? 1) > 1 ? Math.min(links.nodes.value, links[gpu.link].value) : links[gpu.link].value;
  const transfers = trainsAdapter(work) ? 2 : 3;
  const { shape, parameters } = work.model;
  // Tuned stacks send tokens to experts that stay where they are; sharding alone gathers every expert.
  const inPlace = work.stack === 'tuned' && shape?.experts !== undefined;
  const gathered = inPlace ? dimensionsOf(work.model).activeParameters : parameters;
  const experts = inPlace || shape?.experts === undefined ? 0 : shape.layers * shape.experts.count;
  const bytes = transfers * gathered * (baseBits(work) / 8) * (1 - 1 / shards);
  return bytes / (link * 1e9) + experts * speeds.expertSeconds.value;
}

function optimizerStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const overhead = speeds.gpuSecondsPerStepOverhead.value;
  if (trainsAdapter(work)) return overhead;
  const weights = work.model.parameters / shardCount(work);
  if (work.offload !== 'optimizer') return overhead + (weights * OPTIMIZER_BYTES) / (gpu.bandwidthGbs * 1e9);
  // Gradients leave and weights return over the bus, and the processor of the machine updates all of its shards.
  const host = speeds.hostGigabytesPerSecond.value * 1e9;
  const onMachine = weights * (work.device.kind === 'gpu' ? work.device.count : 1);
  return overhead + (4 * weights) / (speeds.linkGigabytesPerSecond.pcie.value * 1e9) + (onMachine * 16) / host;
}

/**
 * PPO: generate, score with policy, reference and reward model, train policy and
 * value model (Ouyang et al. 2022; Yao et al. 2023, DeepSpeed-Chat). Generation
 * reads all weights for each token and reaches a small share of the arithmetic.
 */
function rlhfStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const shape = dimensionsOf(work.model);
  const generated = work.generatedTokens ?? work.maxLength / 2;
  const rows = work.batchSize * work.gradientAccumulation;
  const small = Math.min(1, (work.model.parameters / 7e9) ** 0.3);
  const speed = attainableFlops(gpu, speeds) * speeds.fitted.generation * small;
  const generating = (rows * generated * 2 * shape.activeParameters) / speed;
  const training = microStep(work, gpu, speeds) * work.gradientAccumulation;
  const passes = languageWork(work).passes;
  const scoring = (training / passes) * 2;
  return generating + training + scoring + optimizerStep(work, gpu, speeds);
}

/** Tokens that the whole job trains in one optimizer step. */
export function tokensPerStep(work: Workload): number {
  return languageWork(work).tokens * work.gradientAccumulation * deviceCount(work);
}
