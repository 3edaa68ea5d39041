import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { priceKey } from '../catalog/overlay.ts';
import type { Overlay } from '../catalog/schema/overlay.ts';
import type { HubClient } from '../hub/client.ts';
import { hubFacts } from './hub.ts';
import { type RunpodOptions, runpodPrices } from './runpod.ts';
import { RefreshProblem } from './types.ts';

export type Source = 'runpod' | 'hub';
export const SOURCES: readonly Source[] = ['runpod', 'hub'];

/** What became of one source. */
export interface SourceReport {
  readonly source: Source;
  readonly result: 'refreshed' | 'failed';
  /** Rows it gave. */
  readonly rows: number;
  /** Rows whose price or facts are others than before. */
  readonly changed: number;
  /** What it named that the catalog does not know, or holds differently. */
  readonly unknown: readonly string[];
  /** Why it failed, and what to do; the rows of before stay. */
  readonly problem?: { readonly message: string; readonly remedy: string };
}

export interface RefreshInput {
  readonly catalog: Catalog;
  /** The user's rows so far. */
  readonly overlay: Overlay;
  readonly sources: readonly Source[];
  readonly models: readonly ModelSpec[];
  readonly hub: Pick<HubClient, 'model'>;
  readonly runpod: Omit<RunpodOptions, 'today'>;
  /** YYYY-MM-DD. */
  readonly today: string;
}

/** Asks the sources and returns the user's rows with what they gave: nothing of before is lost where one fails. */
export async function refresh(
  input: RefreshInput,
): Promise<{ readonly overlay: Overlay; readonly reports: readonly SourceReport[] }> {
  const { catalog, today } = input;
  const given = await Promise.all(
    input.sources.map((source) =>
      source === 'runpod'
        ? attempt(source, async () => {
            const { rows, unknown } = await runpodPrices(catalog, { ...input.runpod, today });
            const known = new Map(catalog.prices.map((row) => [priceKey(row), row.usdPerGpuHour]));
            return {
              part: { prices: rows, models: [] },
              unknown,
              changed: rows.filter((row) => known.get(priceKey(row)) !== row.usdPerGpuHour).length,
            };
          })
        : attempt(source, async () => {
            const { rows, unknown } = await hubFacts(catalog, input.models, input.hub, today);
            const known = new Map(input.models.map((model) => [model.id, model.revision]));
            return {
              part: { prices: [], models: rows },
              unknown,
              changed: rows.filter(({ id, revision }) => known.get(id) !== revision).length,
            };
          }),
    ),
  );
  return {
    overlay: joined(
      input.overlay,
      given.map(({ part }) => part),
    ),
    reports: given.map(({ report }) => report),
  };
}

interface Part {
  readonly prices: readonly Overlay['prices'][number][];
  readonly models: readonly Overlay['models'][number][];
}

const NOTHING: Part = { prices: [], models: [] };

async function attempt(
  source: Source,
  ask: () => Promise<{ readonly part: Part; readonly unknown: readonly string[]; readonly changed: number }>,
): Promise<{ readonly part: Part; readonly report: SourceReport }> {
  try {
    const { part, unknown, changed } = await ask();
    const rows = part.prices.length + part.models.length;
    return { part, report: { source, result: 'refreshed', rows, changed, unknown } };
  } catch (error) {
    if (!(error instanceof RefreshProblem)) throw error;
    const problem = { message: error.message, remedy: error.remedy };
    return { part: NOTHING, report: { source, result: 'failed', rows: 0, changed: 0, unknown: [], problem } };
  }
}

function joined(before: Overlay, parts: readonly Part[]): Overlay {
  const prices = new Map(
    [...before.prices, ...parts.flatMap((part) => part.prices)].map((row) => [priceKey(row), row]),
  );
  const models = new Map([...before.models, ...parts.flatMap((part) => part.models)].map((row) => [row.id, row]));
  return { prices: [...prices.values()], models: [...models.values()] };
}
