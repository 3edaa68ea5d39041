import type { Catalog } from '../../catalog/catalog.ts';
import { kindOf } from '../../estimator/step.ts';
import type { Workload } from '../../estimator/workload.ts';
import { trainsAdapter } from '../../estimator/workload.ts';
import { cardOf } from './card.ts';
import { fittingWork } from './fitting.ts';
import type { Hints } from './hints.ts';
import { hintsOf } from './hints.ts';
import { modelOf } from './model.ts';
import type { PublishedRow } from './row.ts';
import { typicalOf } from './typical.ts';

/** A published run as the estimator sees it. */
export interface PublishedWork {
  readonly work: Workload;
  readonly hints: Hints;
  /** Devices that each take rows of their own. */
  readonly workers: number;
}

const GPUS_PER_NODE = 8;
/** Rows that are not packed are this share of the longest one on average, and no longer than this (ms-swift's benchmark data). */
const UNPACKED = 0.45;
const LONG_ROW = 2500;
/** Tokens of a micro-step where a tuned stack does not tell its batch. */
const TUNED_TOKENS = 12_288;

/** Makes a workload of a row, filling what it leaves open with what is usual; a text where the card is not known. */
export function workOf(catalog: Catalog, row: PublishedRow): PublishedWork | string {
  const spec = cardOf(catalog, row.gpu);
  if (spec === undefined) return `unknown gpu "${row.gpu}"`;
  const hints = hintsOf(row.note);
  const model = modelOf(catalog, row);
  const kind = kindOf(model);
  const pipelined = hints.pipeline;
  const nodes = pipelined ? 1 : Math.ceil(row.gpus / GPUS_PER_NODE);
  const tuned = hints.stack === 'tuned' || (hints.stack === undefined && looksTuned(row));
  const sequence = row.sequence ?? (kind === 'language' ? 2048 : 0);
  const packed = hints.packed || row.quantity === 'tokens_per_s_per_gpu' || row.quantity === 'seconds_per_step';
  const adapter = row.method !== 'full';
  const typical = typicalOf(row, sequence);
  const tokensPerRow = packed
    ? sequence
    : Math.min(sequence, row.quantity === 'hours' ? typical.tokensPerRow : Math.min(LONG_ROW, sequence * UNPACKED));
  const rank = hints.rank ?? 16;
  const adapted = trainsAdapter({ method: row.method }) || (/lora/i.test(row.note) && row.method !== 'full');
  const work: Workload = {
    model,
    method: row.method,
    ...(adapted && { loraRank: rank }),
    ...(hints.targets !== undefined && { adapterTargets: hints.targets }),
    ...batchOf(row, hints, {
      batchSize: defaultBatch(row, hints, kind, tuned, tokensPerRow),
      gradientAccumulation: defaultAccumulation(row, kind, tuned),
    }),
    maxLength: sequence,
    tokensPerRow,
    packed,
    steps: 1,
    gradientCheckpointing: hints.checkpointing ?? (kind === 'language' ? !tuned && row.billions > 2 : row.billions > 3),
    device: { kind: 'gpu', spec, count: pipelined ? 1 : Math.ceil(row.gpus / nodes) },
    nodes,
    rented: true,
    sharding: adapter && !/zero-?3|fsdp/i.test(row.note) ? 'none' : 'full',
    ...(tuned ? { stack: 'tuned' as const } : hints.stack === 'fused' ? { stack: 'fused' as const } : {}),
    ...(hints.bits !== undefined && (adapted || row.method === 'qlora') && { baseBits: hints.bits }),
    ...(hints.offload && { offload: 'optimizer' as const }),
    ...(hints.adam8bit && { optimizer: 'adamw-8bit' as const }),
    ...(hints.fp32 ? { weightPrecision: 'fp32' as const } : hints.pureBf16 ? { weightPrecision: 'bf16' as const } : {}),
    ...(hints.released && { releaseGradients: true }),
    ...(hints.loss !== undefined && { loss: hints.loss }),
    ...(hints.mixedRows && { rowLengths: 'mixed' as const }),
    ...picture(hints),
    ...(hints.clipSeconds !== undefined && { clipSeconds: hints.clipSeconds }),
    ...(kind === 'latent' && { cachedLatents: !hints.encodersLoaded }),
    ...(row.modality === 'multimodal' && row.quantity === 'hours' && { imagesPerRow: 1 }),
    ...(row.method === 'rlhf' && { generatedTokens: sequence / 2 }),
  };
  return { work: fittingWork(work, row, hints), hints, workers: pipelined ? 1 : row.gpus };
}

/** All weights over a whole machine, told in tokens a second: people publish that of pretraining stacks. */
function looksTuned({ method, gpus, quantity }: PublishedRow): boolean {
  return method === 'full' && gpus >= GPUS_PER_NODE && quantity === 'tokens_per_s_per_gpu';
}

type Batch = Pick<Workload, 'batchSize' | 'gradientAccumulation'>;

/** The batch column may hold the rows of a micro-step or of a whole step: the note's words decide where they tell. */
function batchOf({ batch }: PublishedRow, hints: Hints, usual: Batch): Batch {
  const rows = hints.rowsPerStep ?? (hints.batch ?? 1) * (hints.accumulation ?? 1);
  if (hints.rowsPerStep !== undefined || (batch !== undefined && rows > 1 && batch === rows)) {
    const micro = hints.batch ?? (batch !== undefined && batch < rows ? batch : 1);
    return { batchSize: micro, gradientAccumulation: Math.max(1, Math.round(rows / micro)) };
  }
  return {
    batchSize: batch ?? hints.batch ?? usual.batchSize,
    gradientAccumulation: hints.accumulation ?? usual.gradientAccumulation,
  };
}

function defaultBatch({ quantity }: PublishedRow, hints: Hints, kind: string, tuned: boolean, tokens: number): number {
  if (kind === 'latent') return 1;
  if (kind === 'sound') return quantity === 'samples_per_s' ? 8 : hints.steps === undefined ? 4 : 1;
  return tuned ? Math.max(1, Math.round(TUNED_TOKENS / tokens)) : Math.max(1, Math.min(8, Math.round(2048 / tokens)));
}

/** Tools for videos accumulate four clips unless told otherwise; language runs accumulate several rows, where it changes little. */
function defaultAccumulation({ quantity, modality, batch }: PublishedRow, kind: string, tuned: boolean): number {
  if (kind === 'latent') return modality === 'video' && quantity === 'seconds_per_step' && batch === undefined ? 4 : 1;
  if (quantity === 'seconds_per_step' || kind === 'sound') return 1;
  return tuned ? 4 : 8;
}

function picture({ width, height, frames }: Hints): Pick<Workload, 'resolution' | 'aspect' | 'frames'> {
  const long = Math.max(width ?? 0, height ?? 0);
  const short = width === undefined ? height : Math.min(width, height ?? width);
  return {
    ...(short !== undefined && { resolution: short }),
    ...(width !== undefined && short !== undefined && { aspect: long / short }),
    ...(frames !== undefined && { frames }),
  };
}
