import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { checkReferences } from './references.ts';
import { type ClaudePrices, claudePriceFile } from './schema/claude.ts';
import type { CommercialUse } from './schema/common.ts';
import { type DatasetSpec, datasetFile } from './schema/dataset.ts';
import { type Family, familyFile } from './schema/family.ts';
import { type Fx, fxFile } from './schema/fx.ts';
import { type GpuSpec, gpuFile } from './schema/gpu.ts';
import { type LicenseSpec, licenseFile } from './schema/license.ts';
import { type MethodSpec, methodFile } from './schema/method.ts';
import { type ModelSpec, modelFile } from './schema/model.ts';
import { type PriceRow, priceFile } from './schema/price.ts';
import { type Speeds, speedFile } from './speeds-schema.ts';

export type { CommercialUse } from './schema/common.ts';
export type { DatasetSpec } from './schema/dataset.ts';
export type { Family } from './schema/family.ts';
export type { Fx } from './schema/fx.ts';
export type { GpuSpec } from './schema/gpu.ts';
export type { LicenseSpec } from './schema/license.ts';
export type { MethodSpec } from './schema/method.ts';
export type { Architecture, ModelSpec, Shape } from './schema/model.ts';
export type { PriceRow } from './schema/price.ts';
export type { Speeds } from './speeds-schema.ts';

/** What the planner knows about the world outside the cluster: dated facts, no behaviour. */
export interface Catalog {
  readonly models: readonly ModelSpec[];
  readonly families: readonly Family[];
  readonly gpus: readonly GpuSpec[];
  readonly prices: readonly PriceRow[];
  readonly methods: readonly MethodSpec[];
  readonly datasets: readonly DatasetSpec[];
  readonly licenses: readonly LicenseSpec[];
  readonly fx: Fx;
  /** What reading a goal with Claude costs; no part of a plan's price. */
  readonly claudePrices: ClaudePrices;
  readonly speeds: Speeds;
}

/** A data file that does not have the shape it must have. The message names file and field. */
export class InvalidCatalog extends Error {
  override readonly name = 'InvalidCatalog';
}

const DATA = join(import.meta.dirname, 'data');

/**
 * Reads and checks the data files of a directory (default: the ones shipped).
 * Throws InvalidCatalog naming the file and the field at fault.
 */
export function loadCatalog(directory: string = DATA): Catalog {
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
  const result = schema.safeParse(parse(readFileSync(join(directory, name), 'utf8')));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidCatalog(`${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}
