import type { DataSource, PlannedData } from '@kriptik/crds';
import type { Hub } from '../hub/client.ts';
import { withSimilar } from '../hub/enrich.ts';
import { datasetFacts, type HubDataset } from '../hub/facts.ts';
import { HubProblem } from '../hub/problem.ts';
import type { DataFacts } from '../planner/types.ts';
import { DataProblem, type DataQuestion } from './data-facts.ts';

/** Bytes of a token of text in memory, roughly: four characters, most of them of one byte. */
const BYTES_PER_TOKEN = 4;

export interface HubDataOptions {
  readonly hub: Hub;
  /** Whether the catalog lists a dataset: its own figures for the length of rows are better than a guess from bytes. */
  readonly listed: (name: string) => boolean;
}

/** What a plan says of data that was priced before, by address. */
export type PricedBefore = ReadonlyMap<string, PlannedData>;

/** Facts about datasets of the Hub, and why some could not be had. */
export interface HubDataFacts {
  readonly facts: readonly DataFacts[];
  readonly unverified: readonly HubProblem[];
}

/**
 * Rows, columns, licence and commit of the hf:// sources. Throws DataProblem, with the field, for one that does not
 * exist or may not be read; one that cannot be asked about now is named in `unverified`, and stays as it was priced
 * before, or else is left to the catalog. Commits that a plan was priced with stay, while they exist.
 */
export async function hubDataFacts(
  { modality, data }: DataQuestion,
  before: PricedBefore,
  { hub, listed }: HubDataOptions,
): Promise<HubDataFacts> {
  const answers = await Promise.all(
    data.map(async (source, index): Promise<{ facts?: DataFacts; problem?: HubProblem }> => {
      const name = datasetName(source.uri);
      if (name === undefined) return {};
      const known = before.get(source.uri);
      try {
        const facts = await look(hub, name, source, commitIn(known?.revision));
        if (facts.gated) await hub.mayRead('dataset', name);
        checkSplit(facts, source, index);
        return { facts: asDataFacts(source.uri, facts, (modality === 'llm' || modality === 'code') && !listed(name)) };
      } catch (error) {
        if (!(error instanceof HubProblem)) throw error;
        if (error.passing) return { problem: error, ...(known !== undefined && { facts: asPriced(known) }) };
        const field = error.kind === 'RevisionNotFound' ? 'revision' : 'uri';
        const remedy = await withSimilar(hub, 'dataset', name, error);
        throw new DataProblem(`spec.data[${index}].${field}: ${error.message}. ${remedy}`);
      }
    }),
  );
  return {
    facts: answers.flatMap(({ facts }) => facts ?? []),
    unverified: answers.flatMap(({ problem }) => problem ?? []),
  };
}

/** What was known when the data was priced, so that a silent Hub does not change a plan that awaits approval. */
function asPriced({ uri, revision, rowsEstimate, tokensEstimate, mapping }: PlannedData): DataFacts {
  return {
    uri,
    ...(revision !== undefined && { revision }),
    ...(rowsEstimate !== undefined && { rows: rowsEstimate }),
    ...(rowsEstimate && tokensEstimate !== undefined && { tokensPerRow: tokensEstimate / rowsEstimate }),
    ...(mapping !== undefined && { columns: mapping.columns.map(({ from }) => from) }),
  };
}

/** A full commit; branches and tags are none. */
export function commitIn(revision: string | undefined): string | undefined {
  return revision !== undefined && /^[0-9a-f]{40}$/.test(revision) ? revision : undefined;
}

/** "owner/name" of hf://datasets/owner/name, with or without a path behind it. */
export function datasetName(uri: string): string | undefined {
  return /^hf:\/\/datasets\/([^/@]+\/[^/@]+)/.exec(uri)?.[1];
}

async function look(
  hub: Hub,
  name: string,
  source: DataSource | PlannedData,
  pinned: string | undefined,
): Promise<HubDataset> {
  const wanted = pinned ?? source.revision;
  const viewed = <T>(answer: Promise<T>): Promise<T | undefined> => answer.catch(() => undefined);
  const [dataset, size, info] = await Promise.all([
    hub.dataset(name, wanted).catch((error: unknown) => {
      // A commit that was rewritten away is pinned anew; a revision that a person wrote is theirs to correct.
      const isGone = error instanceof HubProblem && error.kind === 'RevisionNotFound' && wanted !== source.revision;
      if (isGone) return hub.dataset(name, source.revision);
      throw error;
    }),
    viewed(hub.size(name)),
    viewed(hub.info(name)),
  ]);
  return datasetFacts({ dataset, size, info }, source.split);
}

function checkSplit(facts: HubDataset, { split }: DataSource | PlannedData, index: number): void {
  if (split === undefined || facts.splits.length === 0 || facts.splits.includes(split)) return;
  throw new DataProblem(
    `spec.data[${index}].split: dataset ${facts.hub} has no split ${split}. It has ${facts.splits.join(', ')}`,
  );
}

function asDataFacts(uri: string, facts: HubDataset, guessTokens: boolean): DataFacts {
  const { rows, bytes, columns, license, gated, revision, verifiedAt } = facts;
  const tokens = rows && bytes && facts.textual ? Math.max(1, Math.round(bytes / rows / BYTES_PER_TOKEN)) : undefined;
  return {
    uri,
    revision,
    gated,
    verifiedAt,
    ...(rows !== undefined && rows > 0 && { rows }),
    ...(bytes !== undefined && { bytes }),
    ...(columns !== undefined && { columns, preferencePairs: isPreference(columns) }),
    ...(license !== undefined && { license }),
    ...(guessTokens && tokens !== undefined && { tokensPerRow: tokens }),
  };
}

function isPreference(columns: readonly string[]): boolean {
  return columns.includes('chosen') && columns.includes('rejected');
}
