import type { Speeds } from '../catalog/catalog.ts';
import { languageStep, languageWork, tokensPerStep } from './step-language.ts';
import { latentFlops, latentStep } from './step-latent.ts';
import { soundFlops, soundStep } from './step-sound.ts';
import type { Workload } from './workload.ts';
import { deviceCount } from './workload.ts';

/** What kind of arithmetic a model's training is: it decides the formula and how far published runs spread. */
export type WorkKind = 'language' | 'latent' | 'sound';

/** Picture and video backbones work on latents; sound models without a language model's dimensions on frames. */
export function kindOf({ modality, shape }: Pick<Workload['model'], 'modality' | 'shape'>): WorkKind {
  if (modality === 'image' || modality === 'video') return 'latent';
  return modality === 'audio' && shape === undefined ? 'sound' : 'language';
}

/** Seconds of one optimizer step. */
export function secondsPerStep(work: Workload, { speeds }: { readonly speeds: Speeds }): number {
  const { device, model } = work;
  if (device.kind === 'cpu') return cpuStep(work, device.cores, speeds);
  const share = scalingOf(work);
  switch (kindOf(model)) {
    case 'language':
      return languageStep(work, device.spec, speeds) / share;
    case 'latent':
      return latentStep(work, device.spec, speeds) / share;
    case 'sound':
      return soundStep(work, device.spec, speeds) / share;
  }
}

/** Share of speed that is left when every doubling of the GPUs costs waiting for the slowest: 1 % in a machine, 2 % beyond. */
function scalingOf({ device, nodes = 1 }: Workload): number {
  return device.kind === 'cpu' ? 1 : 0.99 ** Math.log2(device.count) * 0.98 ** Math.log2(nodes);
}

/** A processor is bound by arithmetic, whatever the kind of model. */
function cpuStep(work: Workload, cores: number, speeds: Speeds): number {
  const flops = microFlops(work) * work.gradientAccumulation;
  return flops / (cores * speeds.cpuGflopsPerCore.value * 1e9) + speeds.cpuSecondsPerStepOverhead.value;
}

/** Arithmetic of one micro-step, in FLOPs. */
function microFlops(work: Workload): number {
  switch (kindOf(work.model)) {
    case 'language': {
      const { matrix, attention } = languageWork(work);
      return (matrix + attention) * (work.method === 'rlhf' ? 3 : 1);
    }
    case 'latent':
      return latentFlops(work);
    case 'sound':
      return soundFlops(work);
  }
}

/** Tokens trained in a second by all devices: of text, latents or sound frames. */
export function tokensPerSecond(work: Workload, step: number): number {
  if (kindOf(work.model) === 'language') return tokensPerStep(work) / step;
  return (work.batchSize * work.gradientAccumulation * deviceCount(work)) / step;
}
