import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import type { Family, Fx, GpuSpec, ModelSpec, PriceRow, Speeds } from './schema.ts';
import { familyFile, fxFile, gpuFile, modelFile, priceFile, speedFile } from './schema.ts';

export type { Family, Fx, GpuSpec, ModelSpec, PriceRow, Shape, Speeds } from './schema.ts';

/** What the planner knows about the world outside the cluster: dated facts, no behaviour. */
export interface Catalog {
  readonly models: readonly ModelSpec[];
  readonly families: readonly Family[];
  readonly gpus: readonly GpuSpec[];
  readonly prices: readonly PriceRow[];
  readonly fx: Fx;
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
  const models = readdirSync(directory)
    .filter((name) => name.startsWith('models-') && name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => {
      const file = read(directory, name, modelFile);
      return file.models.map((model) => ({ ...model, modality: file.modality, asOf: file.asOf }));
    });
  const catalog: Catalog = {
    models,
    families: read(directory, 'families.yaml', familyFile).families,
    gpus: read(directory, 'gpus.yaml', gpuFile).gpus,
    prices: read(directory, 'prices.yaml', priceFile).prices,
    fx: read(directory, 'fx.yaml', fxFile),
    speeds: read(directory, 'speeds.yaml', speedFile),
  };
  checkReferences(catalog);
  return catalog;
}

function read<T extends z.ZodType>(directory: string, name: string, schema: T): z.infer<T> {
  const result = schema.safeParse(parse(readFileSync(join(directory, name), 'utf8')));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidCatalog(`${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

function checkReferences(catalog: Catalog): void {
  const families = new Set(catalog.families.map(({ id }) => id));
  const gpus = new Set(catalog.gpus.map(({ id }) => id));
  const seen = new Set<string>();
  for (const model of catalog.models) {
    if (seen.has(model.id)) throw new InvalidCatalog(`models: ${model.id} appears twice`);
    seen.add(model.id);
    if (!families.has(model.family)) throw new InvalidCatalog(`models: ${model.id}: no family ${model.family}`);
    if (model.training !== undefined && !gpus.has(model.training.gpu)) {
      throw new InvalidCatalog(`models: ${model.id}: no GPU ${model.training.gpu}`);
    }
  }
  for (const { id, default: target } of catalog.families) {
    if (target !== undefined && !families.has(target)) throw new InvalidCatalog(`families: ${id}: no family ${target}`);
  }
}
