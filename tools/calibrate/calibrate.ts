import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import type { Fitted } from '@kriptik/operator/catalog/speeds-schema.ts';
import { quantile } from '@kriptik/operator/eval/estimates.ts';
import { fittedOf } from './constants.ts';
import type { Sample } from './rows.ts';
import { drawnHalves, halves, memoriesOf, ratioOf, readSamples, speedsOf } from './rows.ts';
import { search } from './search.ts';

/** How far predictions lie from what was published: |predicted / published - 1|. */
export interface Errors {
  readonly rows: number;
  readonly median: number;
  readonly p90: number;
}

export interface Calibration {
  readonly fitted: Fitted;
  /** Errors of the half that was fitted and of the half that was not, by kind of work and in all. */
  readonly half: Readonly<Record<Slice, { readonly fitted: Errors; readonly held: Errors }>>;
  /** Errors of the held-out half when other halves are drawn. */
  readonly drawn: readonly Errors[];
  /** Each source predicted by constants fitted to all others. */
  readonly bySource: readonly (Errors & { readonly source: string })[];
  readonly memory: readonly { readonly sample: Sample; readonly ratio: number }[];
  /** Sound runs: constants of their families were read off them, so that this is no test. */
  readonly sound: readonly { readonly sample: Sample; readonly ratio: number }[];
}

export const SLICES = ['all', 'language', 'latent'] as const;
export type Slice = (typeof SLICES)[number];

/** Fits the constants to every second row of a table of published runs, and says how they do on the others. */
export function calibrate(table: string, catalog: Catalog): Calibration {
  const samples = readSamples(table, catalog);
  const speeds = speedsOf(samples).filter(({ kind }) => kind !== 'sound');
  const { fitted: known, held } = halves(speeds);
  const start = catalog.speeds.fitted.spread;
  const vector = search(known, catalog, start);
  const narrow = fittedOf(vector, start);
  const fitted = fittedOf(vector, spreadOf(speeds, catalog, narrow));
  const of = (slice: Slice, rows: readonly Sample[]): readonly Sample[] =>
    rows.filter(({ kind }) => slice === 'all' || kind === slice);
  const half = Object.fromEntries(
    SLICES.map((slice) => [
      slice,
      { fitted: errorsOf(of(slice, known), catalog, fitted), held: errorsOf(of(slice, held), catalog, fitted) },
    ]),
  ) as Calibration['half'];
  return {
    fitted,
    half,
    drawn: SEEDS.map((seed) => drawnErrors(speeds, catalog, start, seed)),
    bySource: leaveOut(speeds, catalog, start),
    memory: memoriesOf(samples).map((sample) => ({ sample, ratio: ratioOf(sample, catalog, fitted) })),
    sound: speedsOf(samples)
      .filter(({ kind }) => kind === 'sound')
      .map((sample) => ({ sample, ratio: ratioOf(sample, catalog, fitted) })),
  };
}

function errorsOf(samples: readonly Sample[], catalog: Catalog, fitted: Fitted): Errors {
  const errors = samples.map((sample) => Math.abs(ratioOf(sample, catalog, fitted) - 1));
  return { rows: errors.length, median: quantile(errors, 0.5), p90: quantile(errors, 0.9) };
}

const SEEDS = [1, 2, 3, 4, 5];

function drawnErrors(samples: readonly Sample[], catalog: Catalog, spread: Fitted['spread'], seed: number): Errors {
  const { fitted, held } = drawnHalves(samples, seed);
  return errorsOf(held, catalog, fittedOf(search(fitted, catalog, spread), spread));
}

function leaveOut(samples: readonly Sample[], catalog: Catalog, spread: Fitted['spread']): Calibration['bySource'] {
  const sources = [...new Set(samples.map(({ source }) => source))];
  return sources.map((source) => {
    const others = samples.filter((sample) => sample.source !== source);
    const fitted = fittedOf(search(others, catalog, spread), spread);
    return {
      source,
      ...errorsOf(
        samples.filter((sample) => sample.source === source),
        catalog,
        fitted,
      ),
    };
  });
}

/** Multiples of the predicted time between which eight of ten published runs lie, by kind of work. */
function spreadOf(samples: readonly Sample[], catalog: Catalog, fitted: Fitted): Fitted['spread'] {
  const of = (kind: keyof Fitted['spread']): { low: number; high: number } => {
    const times = samples
      .filter((sample) => sample.kind === kind)
      .map((sample) => {
        const ratio = ratioOf(sample, catalog, fitted);
        return isSpeed(sample) ? ratio : 1 / ratio;
      });
    const round = (value: number): number => Number(value.toFixed(2));
    return { low: Math.min(0.95, round(quantile(times, 0.1))), high: Math.max(1.1, round(quantile(times, 0.9))) };
  };
  return { language: of('language'), latent: of('latent') };
}

function isSpeed({ row }: Sample): boolean {
  return row.quantity === 'tokens_per_s_per_gpu' || row.quantity === 'samples_per_s';
}
