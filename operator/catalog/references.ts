import type { Catalog } from './catalog.ts';

/** What rows say of rows that are not there, and ids that appear twice; empty when all holds together. */
export function checkReferences(catalog: Catalog): readonly string[] {
  const ids = (rows: readonly { readonly id: string }[]): ReadonlySet<string> => new Set(rows.map(({ id }) => id));
  const families = ids(catalog.families);
  const gpus = ids(catalog.gpus);
  const licenses = ids(catalog.licenses);
  const { models, datasets, prices, cards } = catalog;
  return [
    ...(['models', 'families', 'gpus', 'methods', 'cards', 'datasets', 'licenses'] as const).flatMap((kind) =>
      repeated(catalog[kind].map(({ id }) => id)).map((id) => `${kind}: ${id} appears twice`),
    ),
    ...models.flatMap(({ id, family, license }) => [
      ...(families.has(family) ? [] : [`models: ${id}: no family ${family}`]),
      ...(licenses.has(license) ? [] : [`models: ${id}: no licence ${license}`]),
    ]),
    ...cards.flatMap((card) =>
      card.gpus.filter((gpu) => !gpus.has(gpu)).map((gpu) => `cards: ${card.id}: no GPU ${gpu}`),
    ),
    ...datasets
      .filter(({ license }) => !licenses.has(license))
      .map(({ id, license }) => `datasets: ${id}: no licence ${license}`),
    ...prices.filter(({ gpu }) => !gpus.has(gpu)).map(({ provider, gpu }) => `prices: ${provider}: no GPU ${gpu}`),
    ...repeated(
      prices.map((row) => [row.provider, row.tier, row.region, row.instance, row.gpu, row.gpus].join(' ')),
    ).map((row) => `prices: ${row} appears twice`),
    ...catalog.families
      .filter(({ default: target }) => target !== undefined && !families.has(target))
      .map(({ id, default: target }) => `families: ${id}: no family ${target ?? ''}`),
  ];
}

function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
