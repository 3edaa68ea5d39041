import { ageInDays, isStale } from '@kriptik/operator/catalog/age.ts';
import type {
  Catalog,
  DatasetSpec,
  GpuSpec,
  LicenseSpec,
  MethodSpec,
  ModelSpec,
  PriceRow,
} from '@kriptik/operator/catalog/catalog.ts';
import { findDataset, findGpu, findLicense, findModel } from '@kriptik/operator/catalog/lookup.ts';
import { facts, section } from '../render/section.ts';
import type { Style } from '../render/style.ts';
import { parametersText } from './tables.ts';

/** One row with what belongs to it. */
export type Shown =
  | { readonly kind: 'model'; readonly row: ModelSpec; readonly license: LicenseSpec | undefined }
  | { readonly kind: 'dataset'; readonly row: DatasetSpec; readonly license: LicenseSpec | undefined }
  | { readonly kind: 'gpu'; readonly row: GpuSpec; readonly prices: readonly PriceRow[] }
  | { readonly kind: 'method'; readonly row: MethodSpec }
  | {
      readonly kind: 'license';
      readonly row: LicenseSpec;
      readonly models: readonly string[];
      readonly datasets: readonly string[];
    };

/** The model, GPU, data set, method or licence of that id, Hub name or provider's name. */
export function find(catalog: Catalog, name: string): Shown | undefined {
  const model = findModel(catalog, name);
  if (model !== undefined) return { kind: 'model', row: model, license: findLicense(catalog, model.license) };
  const gpu = findGpu(catalog, name);
  if (gpu !== undefined) return { kind: 'gpu', row: gpu, prices: catalog.prices.filter((row) => row.gpu === gpu.id) };
  const dataset = findDataset(catalog, name);
  if (dataset !== undefined) return { kind: 'dataset', row: dataset, license: findLicense(catalog, dataset.license) };
  const method = catalog.methods.find(({ id }) => id === name.toLowerCase());
  if (method !== undefined) return { kind: 'method', row: method };
  const license = findLicense(catalog, name);
  if (license === undefined) return undefined;
  return {
    kind: 'license',
    row: license,
    models: catalog.models.filter((row) => row.license === license.id).map(({ id }) => id),
    datasets: catalog.datasets.filter((row) => row.license === license.id).map(({ id }) => id),
  };
}

/** Everything that `find` takes, for suggestions. */
export function names(catalog: Catalog): readonly string[] {
  return [
    ...catalog.models.flatMap(({ id, hub }) => [id, hub]),
    ...catalog.gpus.map(({ id }) => id),
    ...catalog.datasets.flatMap(({ id, hub }) => [id, hub]),
    ...catalog.methods.map(({ id }) => id),
    ...catalog.licenses.map(({ id }) => id),
  ];
}

interface View {
  readonly style: Style;
  readonly width: number;
  /** Ms since the epoch. */
  readonly now: number;
}

/** The row for people: a heading, what it says, where from and of when. */
export function render(shown: Shown, view: View): string[] {
  const { row } = shown;
  const origin = [
    ['verified', 'verified' in row ? (row.verified ? 'yes' : 'no, take the figures as an estimate') : undefined],
    ['source', row.source],
    ['as of', row.asOf],
  ] as const;
  return [
    `${view.style.bold(row.title)} ${view.style.dim(`(${shown.kind} ${row.id})`)}`,
    ...facts([...pairs(shown), ...origin], view),
    ...section('Prices', shown.kind === 'gpu' ? prices(shown.prices, view) : [], view.style),
  ];
}

type Pair = readonly [label: string, value: string | undefined];

function pairs(shown: Shown): readonly Pair[] {
  switch (shown.kind) {
    case 'model':
      return modelPairs(shown.row, shown.license);
    case 'dataset':
      return datasetPairs(shown.row, shown.license);
    case 'gpu':
      return [
        ['memory', `${shown.row.memoryGb} GB, ${shown.row.bandwidthGbs} GB/s`],
        ['throughput', `${shown.row.bf16Tflops} TFLOPS dense ${shown.row.bf16 ? 'bf16' : 'fp16; it has no bf16'}`],
        ['architecture', `${shown.row.arch}, ${shown.row.link} between the GPUs of a machine`],
        ['names', nested(shown.row.names)],
      ];
    case 'method':
      return [
        ['what', shown.row.summary],
        ['good for', shown.row.strength],
        ['weak at', shown.row.weakness],
        ['when', shown.row.when],
        ['memory', shown.row.memory],
        ['modalities', shown.row.modalities.join(', ')],
      ];
    case 'license':
      return [
        ...licensePairs(shown.row),
        ['models', shown.models.join(', ')],
        ['data sets', shown.datasets.join(', ')],
      ];
  }
}

function modelPairs(row: ModelSpec, license: LicenseSpec | undefined): readonly Pair[] {
  return [
    ['hub', `${row.hub} at ${row.revision}${row.gated ? ', gated: accept its terms on the Hub' : ''}`],
    ['modality', `${row.modality}, family ${row.family}, ${row.variant}`],
    ['parameters', `${row.parameters.toLocaleString('en')} (${parametersText(row.parameters)})`],
    ['context', `${row.context.toLocaleString('en')} tokens`],
    ['languages', row.languages.join(', ')],
    ['methods', row.methods.join(', ')],
    ...(license === undefined ? [] : licensePairs(license)),
    ['shape', row.shape === undefined ? undefined : nested(row.shape)],
    ['architecture', row.architecture === undefined ? undefined : nested(row.architecture)],
  ];
}

function datasetPairs(row: DatasetSpec, license: LicenseSpec | undefined): readonly Pair[] {
  const at = [row.config === undefined ? '' : `configuration ${row.config}`, `split ${row.split}`].filter(Boolean);
  return [
    ['teaches', row.teaches],
    ['hub', `${row.hub}, ${at.join(', ')}${row.gated ? ', gated: accept its terms on the Hub' : ''}`],
    ['modality', row.modality],
    ['tasks', row.tasks.join(', ')],
    ['languages', row.languages.join(', ')],
    [
      'rows',
      `${row.rows.toLocaleString('en')}${row.tokensPerRow === undefined ? '' : `, ${row.tokensPerRow} tokens each`}`,
    ],
    ['columns', `${row.columns.join(', ')} (${row.shape})`],
    ['personal data', row.personalData],
    ...(license === undefined ? [] : licensePairs(license, row.commercialUse)),
  ];
}

function licensePairs(license: LicenseSpec, commercialUse: string = license.commercialUse): readonly Pair[] {
  return [
    ['licence', `${license.title} (${license.id})`],
    ['commercial', `${commercialUse}${license.conditions === '' ? '' : `: ${license.conditions}`}`],
  ];
}

function prices(rows: readonly PriceRow[], { now }: View): string[] {
  return rows.map((row) => {
    const age = isStale(row.asOf, new Date(now)) ? `, ${ageInDays(row.asOf, new Date(now))} days old` : '';
    const where = [row.tier, row.region, row.gpus > 1 ? `${row.gpus} GPUs` : undefined].filter(Boolean).join(', ');
    const doubt = row.verified ? '' : ', unconfirmed';
    return `  ${row.usdPerGpuHour} USD/h  ${row.provider} ${where} (${row.asOf}${age}${doubt}; ${row.source})`;
  });
}

/** "hidden 4096, layers 32": nested groups in brackets. */
function nested(value: object): string {
  return Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([key, one]: [string, unknown]) =>
      typeof one === 'object' && one !== null ? `${key} (${nested(one)})` : `${key} ${String(one)}`,
    )
    .join(', ');
}
