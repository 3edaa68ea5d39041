import type { Contract, DataSource, Modality } from '@kriptik/crds';
import type { DataFacts } from './types.ts';

/** What the planner knows or assumes about the training data as a whole. */
export interface DataSummary {
  readonly sources: readonly (DataSource & { rowsEstimate?: number; tokensEstimate?: number })[];
  readonly rows: number;
  readonly tokensPerRow: number;
  readonly longestRow?: number;
  /** True when rows were counted or stated, false when assumed. */
  readonly rowsKnown: boolean;
  readonly tokensKnown: boolean;
  readonly warnings: readonly string[];
}

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

/** Merges what the goal states with what was counted; counted facts win. */
export function summarizeData(contract: Contract, facts: readonly DataFacts[] = []): DataSummary {
  const { modality } = contract;
  const sources = contract.data.map((source) => {
    const fact = facts.find(({ uri }) => uri === source.uri);
    const rows = fact?.rows ?? source.rows ?? ASSUMED_ROWS[modality];
    const tokens = Math.round(rows * (fact?.tokensPerRow ?? ASSUMED_TOKENS[modality]));
    return {
      known: { rows: (fact?.rows ?? source.rows) !== undefined, tokens: fact?.tokensPerRow !== undefined },
      longest: fact?.longestRow,
      rows,
      tokens,
      source: {
        ...source,
        ...(fact?.revision !== undefined && source.revision === undefined && { revision: fact.revision }),
        ...(fact?.sha256 !== undefined && source.sha256 === undefined && { sha256: fact.sha256 }),
        rowsEstimate: rows,
        tokensEstimate: tokens,
      },
    };
  });
  const rows = sources.reduce((sum, source) => sum + source.rows, 0) || ASSUMED_ROWS[modality];
  const tokens = sources.reduce((sum, source) => sum + source.tokens, 0) || rows * ASSUMED_TOKENS[modality];
  const longest = sources.map((source) => source.longest);
  const rowsKnown = sources.every(({ known }) => known.rows);
  return {
    sources: sources.map(({ source }) => source),
    rows,
    tokensPerRow: tokens / rows,
    ...(longest.every((value) => value !== undefined) && longest.length > 0 && { longestRow: Math.max(...longest) }),
    rowsKnown,
    tokensKnown: sources.every(({ known }) => known.tokens),
    warnings: rowsKnown
      ? []
      : [
          `The number of rows is not known; ${rows} are assumed. State it in spec.data[].rows for a better estimate: time and cost grow with it.`,
        ],
  };
}
