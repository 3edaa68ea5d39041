import { type Catalog, loadCatalog, type ModelSpec } from '../catalog/catalog.ts';
import { findGpu, findModel } from '../catalog/lookup.ts';
import type { Device, Workload } from './workload.ts';

/** Builders for tests of the estimator. */

export const catalog: Catalog = loadCatalog();

/** GPUs of the catalog by id; throws where there is none. */
export function gpu(id: string, count = 1): Device {
  const spec = findGpu(catalog, id);
  if (spec === undefined) throw new Error(`no GPU ${id}`);
  return { kind: 'gpu', spec, count };
}

/** A model of the catalog by id; throws where there is none. */
export function model(id: string): ModelSpec {
  const found = findModel(catalog, id);
  if (found === undefined) throw new Error(`no model ${id}`);
  return found;
}

/** LoRA on one rented A100 with full rows of 2048 tokens; the given fields replace its own. */
export function makeWork(id: string, fields: Partial<Workload> = {}): Workload {
  return {
    model: model(id),
    method: 'lora',
    ...(fields.method !== 'full' && { loraRank: 16 }),
    batchSize: 1,
    gradientAccumulation: 1,
    maxLength: 2048,
    tokensPerRow: 2048,
    steps: 100,
    gradientCheckpointing: true,
    device: gpu('A100-SXM-80GB'),
    rented: true,
    ...fields,
  };
}

/** The same work training every weight. */
export function withoutAdapter({ loraRank: _rank, ...work }: Workload): Workload {
  return work;
}
