import type {
  Catalog,
  DatasetSpec,
  GpuSpec,
  MethodSpec,
  ModelSpec,
  PriceRow,
} from '@kriptik/operator/catalog/catalog.ts';

export const KINDS = ['models', 'gpus', 'prices', 'datasets', 'methods'] as const;
export type Kind = (typeof KINDS)[number];

export interface Filters {
  readonly modality?: string;
  readonly license?: string;
  /** Largest number of parameters, in billions. */
  readonly maxParams?: number;
  readonly provider?: string;
  readonly commercial?: boolean;
  readonly language?: string;
  readonly task?: string;
}

/** Filters that narrow each kind; others would silently do nothing and are refused. */
export const FILTERS: Readonly<Record<Kind, readonly (keyof Filters)[]>> = {
  models: ['modality', 'license', 'maxParams', 'commercial', 'language'],
  gpus: ['provider'],
  prices: ['provider'],
  datasets: ['modality', 'license', 'commercial', 'language', 'task'],
  methods: ['modality'],
};

/** Rows of one kind that pass the filters. */
export type Listing =
  | { readonly kind: 'models'; readonly rows: readonly ModelSpec[] }
  | { readonly kind: 'gpus'; readonly rows: readonly GpuSpec[] }
  | { readonly kind: 'prices'; readonly rows: readonly PriceRow[] }
  | { readonly kind: 'datasets'; readonly rows: readonly DatasetSpec[] }
  | { readonly kind: 'methods'; readonly rows: readonly MethodSpec[] };

/** Models and data sets by modality and size or name, GPUs by memory, prices by provider and GPU. */
export function listing(catalog: Catalog, kind: Kind, filters: Filters): Listing {
  switch (kind) {
    case 'models':
      return {
        kind,
        rows: catalog.models
          .filter(
            (row) => fits(row, filters) && row.parameters <= (filters.maxParams ?? Number.POSITIVE_INFINITY) * 1e9,
          )
          .toSorted((a, b) => a.modality.localeCompare(b.modality) || a.parameters - b.parameters),
      };
    case 'datasets':
      return {
        kind,
        rows: catalog.datasets
          .filter((row) => fits(row, filters) && (filters.task === undefined || row.tasks.includes(filters.task)))
          .toSorted((a, b) => a.modality.localeCompare(b.modality) || a.id.localeCompare(b.id)),
      };
    case 'gpus':
      return {
        kind,
        rows: catalog.gpus
          .filter(
            ({ id }) =>
              filters.provider === undefined ||
              catalog.prices.some(({ gpu, provider }) => gpu === id && provider === filters.provider),
          )
          .toSorted((a, b) => a.memoryGb - b.memoryGb || a.bf16Tflops - b.bf16Tflops),
      };
    case 'prices':
      return {
        kind,
        rows: catalog.prices
          .filter(({ provider }) => filters.provider === undefined || provider === filters.provider)
          .toSorted((a, b) => a.provider.localeCompare(b.provider) || a.gpu.localeCompare(b.gpu)),
      };
    case 'methods':
      return {
        kind,
        rows: catalog.methods.filter(
          ({ modalities }) => filters.modality === undefined || modalities.some((one) => one === filters.modality),
        ),
      };
  }
}

function fits(row: ModelSpec | DatasetSpec, { modality, license, commercial, language }: Filters): boolean {
  return (
    (modality === undefined || row.modality === modality) &&
    (license === undefined || row.license === license.toLowerCase()) &&
    (commercial !== true || row.commercialUse === 'yes') &&
    (language === undefined || row.languages.includes(language) || row.languages.includes('multilingual'))
  );
}
