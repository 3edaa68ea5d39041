import type { GpuSpec, Speeds } from '../catalog/catalog.ts';
import { soundOf } from './sound.ts';
import { attainableFlops } from './speed.ts';
import type { Workload } from './workload.ts';
import { trainsAdapter } from './workload.ts';

/** Arithmetic of one micro-step of a sound model, in FLOPs. */
export function soundFlops(work: Workload): number {
  return work.batchSize * clipFlops(work);
}

function clipFlops(work: Workload): number {
  const { tokens, hidden, layers } = soundOf(work);
  const passes = (trainsAdapter(work) ? 2 : 3) + (work.gradientCheckpointing ? 1 : 0);
  return passes * (2 * work.model.parameters * tokens + 4 * tokens * tokens * hidden * layers);
}

/**
 * Seconds of one optimizer step of a sound model: its arithmetic, and the
 * reading, cutting and encoding of the sound, which published runs are bound by.
 */
export function soundStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const { clipSeconds } = soundOf(work);
  const flops = attainableFlops(gpu, speeds) * speeds.sound.share.value;
  const seconds = clipFlops(work) / flops + clipSeconds * readingSeconds(work, gpu, speeds);
  return work.batchSize * work.gradientAccumulation * seconds + speeds.gpuSecondsPerStepOverhead.value;
}

/** An A100 of 312 TFLOPS is what the published families ran on; slower cards come with slower machines around them. */
const REFERENCE_TFLOPS = 312;

function readingSeconds({ model }: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const known = Object.entries(speeds.sound.secondsOf).find(([family]) => model.family.startsWith(family));
  const machine = (REFERENCE_TFLOPS / gpu.bf16Tflops) ** 0.3;
  return (known?.[1].value ?? speeds.sound.seconds.value) * machine;
}
