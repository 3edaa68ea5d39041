import { isStale } from '@kriptik/operator/catalog/age.ts';
import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';

/** What a check of the catalog found. Faults make it fail, remarks do not. */
export interface CheckReport {
  readonly rows: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  /** Providers with prices older than 30 days: how many of how many, and the oldest. */
  readonly stale: readonly {
    readonly provider: string;
    readonly rows: number;
    readonly of: number;
    readonly oldest: string;
  }[];
  /** Rows by kind whose figures nobody confirmed. */
  readonly unverified: Readonly<Record<string, readonly string[]>>;
}

/** Ages and doubts of a valid catalog. `faults` are what made reading it fail. */
export function examine(catalog: Catalog, faults: readonly string[], now: Date): CheckReport {
  const { models, gpus, prices, datasets, methods, licenses, families } = catalog;
  const providers = [...new Set(prices.map(({ provider }) => provider))].sort();
  const doubtful = (rows: readonly { readonly id: string; readonly verified: boolean }[]): readonly string[] =>
    rows.filter(({ verified }) => !verified).map(({ id }) => id);
  return {
    rows: {
      models: models.length,
      families: families.length,
      gpus: gpus.length,
      prices: prices.length,
      datasets: datasets.length,
      methods: methods.length,
      licenses: licenses.length,
    },
    faults,
    stale: providers.flatMap((provider) => {
      const mine = prices.filter((row) => row.provider === provider);
      const old = mine.filter(({ asOf }) => isStale(asOf, now)).map(({ asOf }) => asOf);
      const [oldest] = old.sort();
      return oldest === undefined ? [] : [{ provider, rows: old.length, of: mine.length, oldest }];
    }),
    unverified: {
      models: doubtful(models),
      gpus: doubtful(gpus),
      datasets: doubtful(datasets),
      prices: prices.filter(({ verified }) => !verified).map(({ provider, gpu, tier }) => `${provider} ${tier} ${gpu}`),
    },
  };
}

/** The report for people. */
export function renderCheck({ rows, faults, stale, unverified }: CheckReport): string[] {
  const counted = Object.entries(rows).map(([kind, count]) => `${count} ${kind}`);
  return [
    `rows        ${counted.join(', ')}`,
    ...faults.map((fault) => `fault       ${fault}`),
    ...stale.map(
      ({ provider, rows: old, of, oldest }) =>
        `old prices  ${provider}: ${old} of ${of} are older than 30 days, the oldest of ${oldest}`,
    ),
    ...Object.entries(unverified)
      .filter(([, ids]) => ids.length > 0)
      .map(([kind, ids]) => `unverified  ${ids.length} of ${rows[kind] ?? 0} ${kind}`),
  ];
}
