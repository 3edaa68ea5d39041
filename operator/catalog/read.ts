import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { type Catalog, InvalidCatalog } from './catalog.ts';
import { checkReferences } from './references.ts';
import { cardFile } from './schema/card.ts';
import { claudePriceFile } from './schema/claude.ts';
import type { CommercialUse } from './schema/common.ts';
import { datasetFile } from './schema/dataset.ts';
import { familyFile } from './schema/family.ts';
import { fxFile } from './schema/fx.ts';
import { gpuFile } from './schema/gpu.ts';
import { licenseFile } from './schema/license.ts';
import { methodFile } from './schema/method.ts';
import { modelFile } from './schema/model.ts';
import { priceFile } from './schema/price.ts';
import { speedFile } from './speeds-schema.ts';

/** Where the data files lie. */
export const DATA = join(import.meta.dirname, 'data');

/**
 * Reads and checks the data files of a directory: slow, because all of them are
 * parsed and validated. Throws InvalidCatalog naming the file and the field at fault.
 */
export function readCatalog(directory: string): Catalog {
  const licenses = rows(read(directory, 'licenses.yaml', licenseFile), 'licenses');
  const commercial = new Map(licenses.map(({ id, commercialUse }) => [id, commercialUse]));
  const commercialUseOf = (license: string): CommercialUse => commercial.get(license) ?? 'conditional';
  const catalog: Catalog = {
    models: filesOf(directory, 'models-').flatMap((name) => {
      const { models, modality, asOf, methods } = read(directory, name, modelFile);
      return models.map((model) => ({
        ...model,
        modality,
        asOf: model.asOf ?? asOf,
        methods: model.methods ?? methods,
        commercialUse: commercialUseOf(model.license),
      }));
    }),
    families: read(directory, 'families.yaml', familyFile).families,
    gpus: rows(read(directory, 'gpus.yaml', gpuFile), 'gpus'),
    prices: read(directory, 'prices.yaml', priceFile).prices,
    methods: rows(read(directory, 'methods.yaml', methodFile), 'methods'),
    cards: rows(read(directory, 'cards.yaml', cardFile), 'cards'),
    datasets: filesOf(directory, 'datasets-').flatMap((name) =>
      rows(read(directory, name, datasetFile), 'datasets').map((row) => ({
        ...row,
        commercialUse: row.commercialUse ?? commercialUseOf(row.license),
      })),
    ),
    licenses,
    fx: read(directory, 'fx.yaml', fxFile),
    claudePrices: read(directory, 'claude-prices.yaml', claudePriceFile),
    speeds: read(directory, 'speeds.yaml', speedFile),
  };
  const [problem] = checkReferences(catalog);
  if (problem !== undefined) throw new InvalidCatalog(problem);
  return catalog;
}

function filesOf(directory: string, prefix: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.yaml'))
    .sort();
}

/** The rows of a file, each with the date of the file. */
function rows<K extends string, R extends object>(
  file: { readonly asOf: string } & Readonly<Record<K, readonly R[]>>,
  key: K,
): readonly (R & { readonly asOf: string })[] {
  return file[key].map((row) => ({ ...row, asOf: file.asOf }));
}

function read<T extends z.ZodType>(directory: string, name: string, schema: T): z.infer<T> {
  const result = schema.safeParse(parsed(join(directory, name), name));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidCatalog(`${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

function parsed(path: string, name: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InvalidCatalog(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
