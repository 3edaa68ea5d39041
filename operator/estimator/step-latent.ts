import type { GpuSpec, Speeds } from '../catalog/catalog.ts';
import { latentsOf } from './latents.ts';
import { attainableFlops } from './speed.ts';
import type { Workload } from './workload.ts';
import { trainsAdapter } from './workload.ts';

/** Encoding a pixel with the VAE, FLOPs: 1.2 x 10^12 a megapixel (AutoencoderKL of Stable Diffusion). */
const VAE_FLOPS_PER_MEGAPIXEL = 1.2e12;

/**
 * Arithmetic of one micro-step of a picture or video model, in FLOPs: 3 forward
 * passes where every weight is trained, 2 for adapters and embeddings, one more
 * with recomputation; DreamBooth runs a class picture beside each subject (Ruiz et al. 2023).
 */
export function latentFlops(work: Workload): number {
  const { forward, megapixels } = latentsOf(work);
  const passes = (trainsAdapter(work) ? 2 : 3) + (work.gradientCheckpointing ? 1 : 0);
  const rows = work.batchSize * (work.method === 'dreambooth' ? 2 : 1);
  const encoding = work.cachedLatents === false ? megapixels * VAE_FLOPS_PER_MEGAPIXEL : 0;
  return rows * (forward * passes + encoding);
}

/** Seconds of one optimizer step of a picture or video model. */
export function latentStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const { fitted } = speeds;
  const { transformer } = latentsOf(work);
  const share = transformer ? fitted.latent.transformer : fitted.latent.unet;
  const flops = attainableFlops(gpu, speeds) * share;
  const modules = transformer ? 0 : fitted.unetSeconds * (work.model.parameters / 1e9);
  const micro = latentFlops(work) / flops + fitted.latentSeconds + modules;
  return work.gradientAccumulation * micro + speeds.gpuSecondsPerStepOverhead.value;
}
