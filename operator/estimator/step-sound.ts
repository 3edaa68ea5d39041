import type { GpuSpec, Speeds } from '../catalog/catalog.ts';
import { soundOf } from './sound.ts';
import { attainableFlops } from './speed.ts';
import type { Workload } from './workload.ts';
import { trainsAdapter } from './workload.ts';

/**
 * Seconds of one optimizer step of a sound model: its arithmetic, and the
 * reading, cutting and encoding of the sound, which published runs are bound by.
 */
export function soundStep(work: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const sound = soundOf(work);
  const passes = (trainsAdapter(work) ? 2 : 3) + (work.gradientCheckpointing ? 1 : 0);
  const forward =
    2 * work.model.parameters * sound.tokens + 4 * sound.tokens * sound.tokens * sound.hidden * sound.layers;
  const flops = attainableFlops(gpu, speeds) * speeds.sound.share.value;
  const seconds = (passes * forward) / flops + sound.clipSeconds * readingSeconds(work, gpu, speeds);
  return work.batchSize * work.gradientAccumulation * seconds + speeds.gpuSecondsPerStepOverhead.value;
}

/** An A100 of 312 TFLOPS is what the published families ran on; slower cards come with slower machines around them. */
const REFERENCE_TFLOPS = 312;

function readingSeconds({ model }: Workload, gpu: GpuSpec, speeds: Speeds): number {
  const known = Object.entries(speeds.sound.secondsOf).find(([family]) => model.family.startsWith(family));
  const machine = (REFERENCE_TFLOPS / gpu.bf16Tflops) ** 0.3;
  return (known?.[1].value ?? speeds.sound.seconds.value) * machine;
}
