import type { Catalog, Speeds } from '../catalog/catalog.ts';
import { adapterParameters } from './memory-language.ts';
import { latentAdapterParameters } from './memory-latent.ts';
import { averageBytes, trainedBytes } from './memory-parts.ts';
import type { WorkKind } from './step.ts';
import { kindOf, secondsPerStep, tokensPerSecond } from './step.ts';
import type { Workload } from './workload.ts';
import { deviceCount, trainsAdapter } from './workload.ts';

/** Seconds of a run by phase, in the order they happen. */
export interface Phases {
  /** Until the machines answer. */
  readonly provision: number;
  /** Until the image runs. */
  readonly image: number;
  /** Model download and load. */
  readonly model: number;
  /** Tokenising rows, or encoding pictures, clips and sound. */
  readonly prepare: number;
  readonly train: number;
  readonly evaluate: number;
  /** Periodic checkpoints and the last one. */
  readonly checkpoints: number;
  /** Export of the result, upload, teardown. */
  readonly finish: number;
}

/** Wall-clock seconds of a run. Low and high frame the expected value. */
export interface TimeEstimate {
  readonly secondsPerStep: number;
  readonly tokensPerSecond: number;
  readonly startSeconds: number;
  readonly checkpointSeconds: number;
  readonly finishSeconds: number;
  readonly phases: Phases;
  readonly low: number;
  readonly expected: number;
  readonly high: number;
  /** Why low and high lie as far apart as they do. */
  readonly widthReason: string;
}

const CHECKPOINTS = 10;

/** Time of the whole run: provisioning, image, model, preparation, steps, evaluation, checkpoints, export and upload. */
export function estimateTime(work: Workload, catalog: Pick<Catalog, 'speeds'>): TimeEstimate {
  const { speeds } = catalog;
  const step = secondsPerStep(work, catalog);
  const place = work.rented ? 'cloud' : 'local';
  const checkpointSeconds = checkpointBytes(work) / 1e6 / speeds.diskMegabytesPerSecond[place].value + 1;
  const phases = phasesOf(work, speeds, step, checkpointSeconds);
  const steady = phases.train + phases.evaluate;
  const other = phases.provision + phases.image + phases.model + phases.prepare + phases.checkpoints + phases.finish;
  const spread = spreadOf(work, speeds);
  return {
    secondsPerStep: step,
    tokensPerSecond: tokensPerSecond(work, step),
    startSeconds: phases.provision + phases.image + phases.model + phases.prepare,
    checkpointSeconds,
    finishSeconds: phases.finish,
    phases,
    low: steady * spread.low + other * OTHER_LOW,
    expected: steady + other,
    high: steady * spread.high + other * OTHER_HIGH,
    widthReason: spread.reason,
  };
}

/** Machines start and networks deliver between half and twice the expected time. */
const OTHER_LOW = 0.5;
const OTHER_HIGH = 2;

function phasesOf(work: Workload, speeds: Speeds, step: number, checkpointSeconds: number): Phases {
  const { rented, steps, nodes = 1 } = work;
  const megabytes = modelBytes(work) / 1e6;
  const start = speeds.startSeconds;
  const train = step * steps;
  const saves =
    work.checkpointEverySteps === undefined
      ? Math.min(CHECKPOINTS, steps)
      : Math.ceil(steps / work.checkpointEverySteps);
  const result = resultBytes(work) / 1e6;
  const place = rented ? 'cloud' : 'local';
  return {
    provision: rented ? start.provision.value + (nodes - 1) * start.perNode.value : 0,
    image: rented ? start.image.value : start.local.value,
    model: megabytes / (rented ? speeds.downloadMegabytesPerSecond.value : speeds.diskMegabytesPerSecond.local.value),
    prepare: preparation(work, speeds),
    train,
    evaluate: train * speeds.evaluationShare.value,
    checkpoints: checkpointSeconds * saves,
    finish:
      result / speeds.diskMegabytesPerSecond[place].value +
      (rented ? result / speeds.uploadMegabytesPerSecond.value : 0) +
      speeds.teardownSeconds[place].value,
  };
}

/** Rows are tokenised by the processor; pictures and clips pass the encoders once, where that is planned. */
function preparation(work: Workload, speeds: Speeds): number {
  const rows = work.rows ?? 0;
  if (kindOf(work.model) === 'language') return rows / speeds.rowsPreparedPerSecond.value;
  return work.cachedLatents === false ? 0 : rows / speeds.latentsEncodedPerSecond.value;
}

/** Source weights with the models beside them, in two bytes each. */
export function modelBytes({ model }: Workload): number {
  const { textEncoderParameters = 0, vaeParameters = 0, vision, audio } = model.architecture ?? {};
  return (
    2 *
    (model.parameters +
      textEncoderParameters +
      vaeParameters +
      (vision?.parameters ?? 0) +
      (audio?.frozenParameters ?? 0))
  );
}

/** What is published: the adapter, or all weights. */
function resultBytes(work: Workload): number {
  return 2 * trainedParameters(work);
}

/** Size of one checkpoint in bytes: trained weights, in fp32 where they are kept so, with optimizer state and average. */
export function checkpointBytes(work: Workload): number {
  if (trainsAdapter(work)) return trainedParameters(work) * (ADAPTER_STATE + averageBytes(work));
  const { weight, state } = trainedBytes(work);
  return (
    trainedParameters(work) *
    (state + (work.weightPrecision === 'mixed' || work.weightPrecision === undefined ? 0 : weight))
  );
}

/** fp32 weight and two moments of an adapter's parameter. */
const ADAPTER_STATE = 12;

function trainedParameters(work: Workload): number {
  if (!trainsAdapter(work)) return work.model.parameters;
  const kind = kindOf(work.model);
  if (kind === 'latent') return latentAdapterParameters(work);
  return kind === 'language' ? adapterParameters(work.model, work.loraRank ?? 16) : work.model.parameters / 50;
}

interface Spread {
  readonly low: number;
  readonly high: number;
  readonly reason: string;
}

const PUBLISHED = {
  language: 'published runs of language models with the same settings',
  latent: 'published runs of picture and video models',
  sound: 'published runs of sound models, which differ in how they read their data',
} satisfies Record<WorkKind, string>;

/** Shares of the expected training time between which the published runs lie, widened where the run resembles none of them. */
function spreadOf(work: Workload, { fitted, sound }: Speeds): Spread {
  if (work.device.kind === 'cpu') {
    return { low: 0.8, high: 1.6, reason: 'a processor that other programs share is up to 1.6 times slower' };
  }
  const kind = kindOf(work.model);
  const { low, high } = kind === 'sound' ? { low: sound.low.value, high: sound.high.value } : fitted.spread[kind];
  const machines = deviceCount(work) > 8 ? 1.15 : 1;
  const unusual = work.method === 'rlhf' || work.method === 'dpo' ? 1.25 : 1;
  const widths = [`eight of ten ${PUBLISHED[kind]} took ${low} to ${high} times the expected time`];
  if (machines > 1) widths.push('networks between machines differ');
  if (unusual > 1) widths.push(`${work.method.toUpperCase()} runs depend on the length of answers`);
  return { low, high: high * machines * unusual, reason: widths.join('; ') };
}
