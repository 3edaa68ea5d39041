import type { Contract, DataSource, MethodName, Modality, PlannedData } from '@kriptik/crds';
import type { DatasetSpec } from '../../catalog/catalog.ts';
import { DEFAULT_SEED } from '../hyperparameters.ts';
import type { DataFacts } from '../types.ts';
import { formOf, type RowForm } from './forms.ts';
import { type Conversion, conversionOf, targetOf } from './mapping.ts';
import { rowsFrom, type StatedAmount } from './size.ts';
import { type Split, splitOf } from './split.ts';

/** Rows assumed for one source whose size nobody knows. */
const ASSUMED_ROWS: Readonly<Record<Modality, number>> = {
  llm: 1000,
  code: 1000,
  multimodal: 1000,
  image: 20,
  video: 30,
  audio: 300,
};

/** Mean tokens of a row where nothing was counted; latents and audio frames count as one row of their own. */
const ASSUMED_TOKENS: Readonly<Record<Modality, number>> = {
  llm: 250,
  code: 700,
  multimodal: 900,
  image: 1,
  video: 1,
  audio: 1,
};

/** One source with everything that is known or assumed about it. */
export interface SourceView {
  readonly planned: PlannedData;
  readonly split: Split;
  readonly rows: number;
  readonly tokens: number;
  readonly rowsKnown: boolean;
  readonly tokensKnown: boolean;
  readonly longestRow?: number;
  readonly preferencePairs?: boolean;
  /** What its rows can teach; absent where nobody told their columns. */
  readonly form?: RowForm;
  readonly dataset?: DatasetSpec;
  /** Its terms must be accepted before it can be read. */
  readonly gated: boolean;
  readonly conversion: Conversion;
}

export interface SourceInput {
  readonly contract: Contract;
  readonly source: DataSource;
  readonly method: MethodName;
  /** What somebody counted; wins over everything else. */
  readonly fact?: DataFacts | undefined;
  /** The catalog's row of a public data set. */
  readonly dataset?: DatasetSpec | undefined;
  /** "45 minutes of audio", where the goal has one source only. */
  readonly amount: StatedAmount;
}

/** Merges what was counted, stated, listed in the catalog and told by the text about one source, in this order. */
export function viewSource({ contract, source, method, fact, dataset, amount }: SourceInput): SourceView {
  const { modality, capability, constraints } = contract;
  const known = fact?.rows ?? source.rows ?? dataset?.rows ?? rowsFrom(amount, modality, /music|song/.test(capability));
  const rows = known ?? ASSUMED_ROWS[modality];
  const knownTokens = fact?.tokensPerRow ?? dataset?.tokensPerRow;
  const tokens = Math.round(rows * (knownTokens ?? ASSUMED_TOKENS[modality]));
  const split = splitOf(rows, modality, constraints.seed ?? DEFAULT_SEED);
  const columns = fact?.columns ?? dataset?.columns;
  const conversion = columns === undefined ? {} : conversionOf(columns, targetOf(modality, method));
  const form = columns === undefined ? undefined : formOf(columns);
  const license = fact?.license ?? dataset?.license;
  // A fact's revision is the commit that the stated branch stands for today: the plan pins it.
  const revision = fact?.revision ?? source.revision;
  const sha256 = source.sha256 ?? fact?.sha256;
  return {
    planned: {
      ...source,
      ...(revision !== undefined && { revision }),
      ...(sha256 !== undefined && { sha256 }),
      rowsEstimate: rows,
      tokensEstimate: tokens,
      ...(license !== undefined && { license }),
      ...(split.heldOut !== undefined && { heldOut: split.heldOut }),
      ...(conversion.mapping !== undefined && { mapping: conversion.mapping }),
    },
    split,
    rows,
    tokens,
    rowsKnown: known !== undefined,
    tokensKnown: knownTokens !== undefined,
    ...(fact?.longestRow !== undefined && { longestRow: fact.longestRow }),
    ...(fact?.preferencePairs !== undefined && { preferencePairs: fact.preferencePairs }),
    ...(dataset !== undefined && { dataset, preferencePairs: dataset.shape === 'preference' }),
    ...(form !== undefined && { form }),
    gated: fact?.gated ?? dataset?.gated ?? false,
    conversion,
  };
}

/** A source whose size nobody tells, for goals whose data is still to be named. */
export function assumedRows(modality: Modality): { readonly rows: number; readonly tokensPerRow: number } {
  return { rows: ASSUMED_ROWS[modality], tokensPerRow: ASSUMED_TOKENS[modality] };
}
