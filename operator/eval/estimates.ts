import type { Catalog } from '../catalog/catalog.ts';
import { latentsOf } from '../estimator/latents.ts';
import { estimateMemory } from '../estimator/memory.ts';
import { soundOf } from '../estimator/sound.ts';
import { kindOf, secondsPerStep } from '../estimator/step.ts';
import { estimateTime } from '../estimator/time.ts';
import type { Workload } from '../estimator/workload.ts';
import type { BadRow, PublishedRow, Quantity } from './published/row.ts';
import { readPublished } from './published/row.ts';
import { rowsTrained } from './published/typical.ts';
import type { PublishedWork } from './published/work.ts';
import { workOf } from './published/work.ts';

/** A published figure beside the estimator's. */
export interface ScoredRow {
  readonly line: number;
  readonly method: string;
  readonly modality: string;
  readonly billions: number;
  readonly gpu: string;
  readonly gpus: number;
  readonly quantity: Quantity;
  readonly note: string;
  readonly published: number;
  readonly predicted: number;
  /** Predicted over published. */
  readonly ratio: number;
  /** |predicted / published - 1|. */
  readonly error: number;
}

export interface EstimateScores {
  /** Median of the rows' errors; 0 where no row could be read. */
  readonly median: number;
  readonly p90: number;
  readonly rows: readonly ScoredRow[];
  /** Lines that could not be read, with what is wrong. */
  readonly bad: readonly BadRow[];
}

const GIB = 1024 ** 3;

/** Scores a tab-separated table of published runs (the text of a file) against the estimates of a catalog. */
export function evalEstimates(tsvText: string, catalog: Catalog): EstimateScores {
  const { rows, bad } = readPublished(tsvText);
  const scored: ScoredRow[] = [];
  const unknown: BadRow[] = [];
  for (const row of rows) {
    const work = workOf(catalog, row);
    if (typeof work === 'string') unknown.push({ line: row.line, problem: work });
    else scored.push(score(row, predict(row, work, catalog)));
  }
  const errors = scored.map(({ error }) => error);
  return {
    median: quantile(errors, 0.5),
    p90: quantile(errors, 0.9),
    rows: scored,
    bad: [...bad, ...unknown].toSorted((a, b) => a.line - b.line),
  };
}

/** The estimator's figure for a row, in the row's quantity. */
export function predict(row: PublishedRow, published: PublishedWork, catalog: Pick<Catalog, 'speeds'>): number {
  const { work, hints, workers } = published;
  const rows = work.batchSize * work.gradientAccumulation;
  switch (row.quantity) {
    case 'seconds_per_step':
      return secondsPerStep(work, catalog);
    case 'tokens_per_s_per_gpu':
      return (rows * tokensOf(work)) / secondsPerStep(work, catalog) / Math.max(1, row.gpus / workers);
    case 'samples_per_s':
      return (rows * workers) / secondsPerStep(work, catalog);
    case 'hours': {
      const clip = kindOf(work.model) === 'sound' ? soundOf(work).clipSeconds : 0;
      const steps = hints.steps ?? rowsTrained(row, hints, clip) / (rows * workers);
      const { phases } = estimateTime({ ...work, steps: Math.max(1, Math.round(steps)) }, catalog);
      return (phases.train + phases.evaluate + phases.model + phases.prepare) / 3600;
    }
    case 'memory_gb':
      return memory(published) / 1e9;
    case 'memory_gib':
      return memory(published) / GIB;
  }
}

/** Tokens of one row: of text, of a codec, of latents. */
function tokensOf(work: Workload): number {
  switch (kindOf(work.model)) {
    case 'language':
      return work.tokensPerRow;
    case 'latent':
      return latentsOf(work).tokens;
    case 'sound':
      return soundOf(work).tokens;
  }
}

function memory({ work, hints }: PublishedWork): number {
  const { total, overhead } = estimateMemory(work);
  return hints.allocated ? total - overhead : total;
}

function score(row: PublishedRow, predicted: number): ScoredRow {
  const { line, method, modality, billions, gpu, gpus, quantity, note, value } = row;
  const ratio = predicted / value;
  return {
    line,
    method,
    modality,
    billions,
    gpu,
    gpus,
    quantity,
    note,
    published: value,
    predicted,
    ratio,
    error: Math.abs(ratio - 1),
  };
}

/** The value that a share of the others does not exceed, between neighbours in proportion. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
