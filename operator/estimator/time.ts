import type { MethodName } from '@kriptik/crds';
import type { Catalog, Speeds } from '../catalog/catalog.ts';
import { findGpu } from '../catalog/lookup.ts';
import { adapterParameters } from './memory.ts';
import type { Device, Workload } from './workload.ts';
import { isAdapterMethod } from './workload.ts';

/** Wall-clock seconds of a run, by phase. Low and high frame the expected value; see speeds.yaml for the spread. */
export interface TimeEstimate {
  readonly secondsPerStep: number;
  readonly tokensPerSecond: number;
  readonly startSeconds: number;
  readonly checkpointSeconds: number;
  readonly finishSeconds: number;
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** Each doubling of the GPUs of one machine keeps this share of the speed. */
const SCALING = 0.95;

/**
 * Arithmetic of one trained token, in FLOPs: 6 x parameters for full training
 * (forward 2, backward 4), 4 for adapters (no gradients of frozen weights), two
 * more for the reference pass of preference methods, plus causal attention.
 */
function flopsPerToken(work: Pick<Workload, 'model' | 'method' | 'tokensPerRow'>): number {
  const { model, method, tokensPerRow } = work;
  const factor = method === 'full' || method === 'dpo' ? 6 : method === 'rlhf' ? 8 : 4;
  const attention = model.shape === undefined ? 0 : factor * model.shape.layers * model.shape.hidden * tokensPerRow;
  return factor * model.parameters + attention;
}

/** Seconds of one optimizer step. */
export function secondsPerStep(work: Workload, catalog: Catalog): number {
  const { device, model } = work;
  const rows = work.batchSize * work.gradientAccumulation;
  const { speeds } = catalog;
  if (model.training !== undefined && device.kind === 'gpu') {
    const reference = findGpu(catalog, model.training.gpu);
    const ratio = (reference?.bf16Tflops ?? device.spec.bf16Tflops) / device.spec.bf16Tflops;
    const allWeights = work.method === 'full' || work.method === 'dreambooth' ? 1.5 : 1;
    return model.training.secondsPerStep * ratio * rows * allWeights + speeds.gpuSecondsPerStepOverhead.value;
  }
  const sequences = work.method === 'dpo' ? 2 : 1;
  const flops = flopsPerToken(work) * work.tokensPerRow * rows * sequences;
  const overhead =
    device.kind === 'cpu' ? speeds.cpuSecondsPerStepOverhead.value : speeds.gpuSecondsPerStepOverhead.value;
  return flops / flopsPerSecond(work, device, speeds) + overhead;
}

/** Time of the whole run: start, model download or load, steps, checkpoints, export. */
export function estimateTime(work: Workload, catalog: Catalog): TimeEstimate {
  const { speeds } = catalog;
  const step = secondsPerStep(work, catalog);
  const place = work.rented ? 'cloud' : 'local';
  const modelMegabytes = (work.model.parameters * 2) / 1e6;
  const startSeconds =
    speeds.startSeconds[place].value + (work.rented ? modelMegabytes / speeds.downloadMegabytesPerSecond.value : 0);
  const checkpointSeconds = checkpointBytes(work) / 1e6 / speeds.diskMegabytesPerSecond.value + 1;
  const finishSeconds = modelMegabytes / speeds.diskMegabytesPerSecond.value + speeds.teardownSeconds[place].value;
  const expected = startSeconds + step * work.steps + checkpointSeconds + finishSeconds;
  const devices = work.device.kind === 'gpu' ? work.device.count : 1;
  const tokens = work.tokensPerRow * work.batchSize * work.gradientAccumulation * devices;
  return {
    secondsPerStep: step,
    tokensPerSecond: tokens / step,
    startSeconds,
    checkpointSeconds,
    finishSeconds,
    low: expected * speeds.spread.low.value,
    expected,
    high: expected * speeds.spread.high.value,
  };
}

/** Size of one checkpoint in bytes: trained weights with their optimizer state. */
export function checkpointBytes(work: Workload): number {
  const trained = isAdapterMethod(work.method)
    ? adapterParameters(work.model.shape, work.loraRank ?? 16) || work.model.parameters / 100
    : work.model.parameters;
  return trained * 12;
}

/** Sustained arithmetic of one device of the run. */
function flopsPerSecond(work: Workload, device: Device, speeds: Speeds): number {
  if (device.kind === 'cpu') return device.cores * speeds.cpuGflopsPerCore.value * 1e9;
  const doublings = Math.log2(Math.max(1, device.count));
  const small = Math.min(1, (work.model.parameters / 2e9) ** 0.4);
  return device.spec.bf16Tflops * 1e12 * utilisation(work.method, speeds) * small * SCALING ** doublings;
}

function utilisation(method: MethodName, { utilisation: rates }: Speeds): number {
  const share = {
    full: rates.full,
    dreambooth: rates.full,
    qlora: rates.qlora,
    dpo: rates.dpo,
    rlhf: rates.rlhf,
    lora: rates.lora,
    'textual-inversion': rates.lora,
    'voice-clone': rates.lora,
  } satisfies Record<MethodName, Speeds['utilisation']['full']>;
  return share[method].value;
}
