import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import type { Fitted } from '@kriptik/operator/catalog/speeds-schema.ts';
import type { WorkKind } from '@kriptik/operator/estimator/step.ts';
import { kindOf } from '@kriptik/operator/estimator/step.ts';
import { predict } from '@kriptik/operator/eval/estimates.ts';
import type { PublishedRow } from '@kriptik/operator/eval/published/row.ts';
import { readPublished } from '@kriptik/operator/eval/published/row.ts';
import type { PublishedWork } from '@kriptik/operator/eval/published/work.ts';
import { workOf } from '@kriptik/operator/eval/published/work.ts';

/** A published run, ready to be predicted with any constants. */
export interface Sample {
  readonly row: PublishedRow;
  readonly work: PublishedWork;
  readonly source: string;
  readonly kind: WorkKind;
}

/**
 * Reads calibration.tsv. Throws where a line cannot be read: the table is ours. A
 * row's model is the one its column names, or a typical one of its size, so that
 * the fit does not change with every new row of the catalog.
 */
export function readSamples(text: string, catalog: Catalog): readonly Sample[] {
  const { rows, bad } = readPublished(text);
  const [first] = bad;
  if (first !== undefined) throw new Error(`calibration.tsv:${first.line}: ${first.problem}`);
  const lines = text.split('\n');
  const header = (lines[0] ?? '').split('\t');
  return rows.map((row) => {
    const cells = (lines[row.line - 1] ?? '').split('\t');
    const id = cells[header.indexOf('model')] ?? '';
    const models = catalog.models.filter((model) => model.id === id);
    if (id !== '' && models.length === 0) throw new Error(`calibration.tsv:${row.line}: no model ${id}`);
    const work = workOf({ ...catalog, models }, row);
    if (typeof work === 'string') throw new Error(`calibration.tsv:${row.line}: ${work}`);
    return { row, work, source: cells[header.indexOf('source')] ?? '', kind: kindOf(work.work.model) };
  });
}

/** Rows that tell a speed; the others tell memory. */
export function speedsOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ row }) => !row.quantity.startsWith('memory'));
}

export function memoriesOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ row }) => row.quantity.startsWith('memory'));
}

/** Predicted over published. */
export function ratioOf({ row, work }: Sample, catalog: Catalog, fitted: Fitted): number {
  return predict(row, work, { speeds: { ...catalog.speeds, fitted } }) / row.value;
}

/** A half drawn by a generator of its own (Park and Miller), so that a seed always gives the same. */
export function drawnHalves(samples: readonly Sample[], seed: number): ReturnType<typeof halves> {
  let state = seed;
  const drawn = samples.map(() => {
    state = (state * 48_271) % 2_147_483_647;
    return state % 2 === 0;
  });
  return {
    fitted: samples.filter((_sample, index) => drawn[index] === true),
    held: samples.filter((_sample, index) => drawn[index] === false),
  };
}

/** Every second row is fitted, the others are only looked at. */
export function halves(samples: readonly Sample[]): {
  readonly fitted: readonly Sample[];
  readonly held: readonly Sample[];
} {
  return {
    fitted: samples.filter((_sample, index) => index % 2 === 0),
    held: samples.filter((_sample, index) => index % 2 === 1),
  };
}
