import type { MethodName, Modality } from '@kriptik/crds';
import type { Catalog, DatasetSpec, GpuSpec, LicenseSpec, MethodSpec, ModelSpec } from './catalog.ts';

/** The model with this id, or with this Hub name ("owner/name"), whatever the case. */
export function findModel(catalog: Catalog, name: string): ModelSpec | undefined {
  return byIdOrHub(catalog.models, name);
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

/** The method's explanation; undefined for a name the catalog does not explain. */
export function findMethod(catalog: Catalog, name: MethodName): MethodSpec | undefined {
  return catalog.methods.find(({ id }) => id === name);
}

/** The data set with this id, Hub name, or Hub address ("hf://datasets/owner/name"), whatever the case. */
export function findDataset(catalog: Catalog, name: string): DatasetSpec | undefined {
  return byIdOrHub(catalog.datasets, name.replace(/^hf:\/\/(datasets\/)?/, '').replace(/@[^@/]*$/, ''));
}

export function findLicense(catalog: Catalog, slug: string): LicenseSpec | undefined {
  const wanted = slug.toLowerCase();
  return catalog.licenses.find(({ id }) => id === wanted);
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

/** What a data set must be to be listed. Absent wishes do not narrow. */
export interface DatasetWish {
  readonly modality?: Modality;
  /** Any of these tasks. */
  readonly tasks?: readonly string[];
  /** Any of these languages; data of no language (pictures, music) always fits. */
  readonly languages?: readonly string[];
  readonly shapes?: readonly DatasetSpec['shape'][];
  /** Leave out what may not be used commercially. */
  readonly commercial?: boolean;
  /** Leave out what needs an accepted agreement. */
  readonly open?: boolean;
}

/** Data sets that fit a wish, those that fit more of its tasks first, then the larger ones. */
export function findDatasets(catalog: Catalog, wish: DatasetWish): readonly DatasetSpec[] {
  const tasksOf = (row: DatasetSpec): number => row.tasks.filter((task) => wish.tasks?.includes(task)).length;
  return catalog.datasets
    .filter(
      (row) =>
        (wish.modality === undefined || row.modality === wish.modality) &&
        (wish.tasks === undefined || tasksOf(row) > 0) &&
        (wish.languages === undefined || speaks(row.languages, wish.languages)) &&
        (wish.shapes === undefined || wish.shapes.includes(row.shape)) &&
        (wish.commercial !== true || row.commercialUse !== 'no') &&
        (wish.open !== true || !row.gated),
    )
    .toSorted((a, b) => tasksOf(b) - tasksOf(a) || b.rows - a.rows || a.id.localeCompare(b.id));
}

function speaks(offered: readonly string[], wanted: readonly string[]): boolean {
  return offered.length === 0 || offered.includes('multilingual') || wanted.some((one) => offered.includes(one));
}

function byIdOrHub<R extends { readonly id: string; readonly hub: string }>(
  rows: readonly R[],
  name: string,
): R | undefined {
  const wanted = name.toLowerCase();
  return rows.find((row) => row.id === wanted || row.hub.toLowerCase() === wanted);
}
