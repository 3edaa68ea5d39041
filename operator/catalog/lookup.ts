import type { Modality } from '@kriptik/crds';
import type { Catalog } from './catalog.ts';
import type { GpuSpec, ModelSpec } from './schema.ts';

/** The model with this id, or with this Hub name ("owner/name"), whatever the case. */
export function findModel(catalog: Catalog, name: string): ModelSpec | undefined {
  const wanted = name.toLowerCase();
  return catalog.models.find((model) => model.id === wanted || model.hub.toLowerCase() === wanted);
}

/** The GPU with this id or provider name, whatever the case: "A100-SXM-80GB", "NVIDIA H200". */
export function findGpu(catalog: Catalog, name: string): GpuSpec | undefined {
  const wanted = name.toLowerCase();
  return catalog.gpus.find(
    (gpu) =>
      gpu.id.toLowerCase() === wanted ||
      gpu.title.toLowerCase() === wanted ||
      Object.values(gpu.names).some((alias) => alias?.toLowerCase() === wanted),
  );
}

/** The rows of a family; a family without a version ("llama") stands for its default one. */
export function modelsOfFamily(catalog: Catalog, familyId: string): readonly ModelSpec[] {
  const family = catalog.families.find(({ id }) => id === familyId);
  const target = family?.default ?? familyId;
  return catalog.models.filter((model) => model.family === target);
}

/** Models of a modality, smallest first. */
export function modelsOf(catalog: Catalog, modality: Modality): readonly ModelSpec[] {
  return catalog.models
    .filter((model) => model.modality === modality)
    .toSorted((a, b) => a.parameters - b.parameters || a.id.localeCompare(b.id));
}
