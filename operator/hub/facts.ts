import type { DatasetAnswer, InfoAnswer, ModelAnswer, SizeAnswer } from './answers.ts';
import type { Answer } from './client.ts';

/** What the Hub says about a base model. */
export interface HubModel {
  /** "owner/name" as the Hub writes it. */
  readonly hub: string;
  /** Commit. */
  readonly revision: string;
  readonly license?: string;
  readonly gated: boolean;
  /** All weights of the safetensors files. */
  readonly parameters?: number;
  /** Pipeline, such as text-generation. */
  readonly task?: string;
  readonly languages: readonly string[];
  /** When the Hub said so, RFC 3339. */
  readonly verifiedAt: string;
}

/** What the Hub says about a dataset, for the split that is trained on. */
export interface HubDataset {
  readonly hub: string;
  readonly revision: string;
  readonly license?: string;
  readonly gated: boolean;
  /** Of the configuration that is trained on; empty where the viewer knows nothing of it. */
  readonly splits: readonly string[];
  readonly split?: string;
  readonly rows?: number;
  readonly columns?: readonly string[];
  /** Size in memory. */
  readonly bytes?: number;
  /** Every column is text or numbers. */
  readonly textual?: boolean;
  readonly verifiedAt: string;
}

/** Facts of a model from the Hub's answer. */
export function modelFacts({ value, at }: Answer<ModelAnswer>): HubModel {
  const license = licenseOf(value);
  const parameters = value.safetensors?.total;
  return {
    hub: value.name,
    revision: value.sha,
    gated: Boolean(value.gated),
    languages: languagesOf(value),
    ...(license !== undefined && { license }),
    ...(parameters !== undefined && { parameters }),
    ...(value.task !== undefined && { task: value.task }),
    verifiedAt: new Date(at).toISOString(),
  };
}

export interface DatasetAnswers {
  readonly dataset: Answer<DatasetAnswer>;
  /** Of the dataset viewer, which does not serve every dataset. */
  readonly size?: Answer<SizeAnswer> | undefined;
  readonly info?: Answer<InfoAnswer> | undefined;
}

/**
 * Facts of a dataset. The configuration is "default", else the first by name; the split is the one wanted, else
 * "train", else the largest. Of a dataset that the viewer converted in part the estimated number of rows counts.
 */
export function datasetFacts({ dataset, size, info }: DatasetAnswers, wantedSplit?: string): HubDataset {
  const { value, at } = dataset;
  const license = licenseOf(value);
  const splits = splitsOf(size?.value, info?.value);
  const config = chosenConfig([
    ...new Set(splits.map((split) => split.config)),
    ...Object.keys(info?.value.dataset_info ?? {}),
  ]);
  const inConfig = splits.filter((split) => split.config === config);
  const chosen =
    inConfig.find(({ split }) => split === wantedSplit) ??
    (wantedSplit === undefined
      ? (inConfig.find(({ split }) => split === 'train') ?? inConfig.toSorted((a, b) => b.rows - a.rows)[0])
      : undefined);
  const features = config === undefined ? undefined : info?.value.dataset_info[config]?.features;
  return {
    hub: value.name,
    revision: value.sha,
    gated: Boolean(value.gated),
    splits: inConfig.map(({ split }) => split).toSorted(),
    ...(license !== undefined && { license }),
    ...(chosen !== undefined && { split: chosen.split, rows: chosen.rows }),
    ...(chosen?.bytes !== undefined && { bytes: chosen.bytes }),
    ...(features && { columns: Object.keys(features), textual: Object.values(features).every(isTextual) }),
    verifiedAt: new Date(at).toISOString(),
  };
}

interface Split {
  readonly config: string;
  readonly split: string;
  readonly rows: number;
  readonly bytes?: number;
}

function splitsOf(size: SizeAnswer | undefined, info: InfoAnswer | undefined): Split[] {
  if (size !== undefined && size.size.splits.length > 0) {
    return size.size.splits.map(({ config, split, num_rows, estimated_num_rows, num_bytes_memory }) => {
      const rows = estimated_num_rows ?? num_rows;
      // Bytes are those of the part that was converted.
      const scale = num_rows === 0 ? 1 : rows / num_rows;
      return { config, split, rows, ...(num_bytes_memory != null && { bytes: Math.round(num_bytes_memory * scale) }) };
    });
  }
  return Object.entries(info?.dataset_info ?? {}).flatMap(([config, { splits }]) =>
    Object.entries(splits ?? {}).flatMap(([split, { num_examples, num_bytes }]) =>
      num_examples == null
        ? []
        : [{ config, split, rows: num_examples, ...(num_bytes != null && { bytes: num_bytes }) }],
    ),
  );
}

function chosenConfig(configs: readonly string[]): string | undefined {
  return configs.includes('default') ? 'default' : configs.toSorted()[0];
}

/** A feature that holds text or numbers, however nested; images, sound and arrays are none. */
function isTextual(feature: unknown): boolean {
  if (feature === null || typeof feature !== 'object') return true;
  if (Array.isArray(feature)) return feature.every(isTextual);
  if ('_type' in feature && typeof feature._type === 'string') {
    return ['Value', 'ClassLabel', 'Sequence', 'LargeList', 'List', 'Json'].includes(feature._type)
      ? Object.values(feature).every(isTextual)
      : false;
  }
  return Object.values(feature).every(isTextual);
}

/** The licence of the card, else of the tags; lower case, as the catalog writes licences. */
function licenseOf({ cardData, tags }: Pick<ModelAnswer, 'cardData' | 'tags'>): string | undefined {
  const stated = Array.isArray(cardData?.license) ? cardData.license[0] : cardData?.license;
  const named = stated ?? tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
  // "other" hides the name of a licence in another field.
  if (named === 'other' && typeof cardData?.['license_name'] === 'string')
    return cardData['license_name'].toLowerCase();
  return named?.toLowerCase();
}

function languagesOf({ cardData }: Pick<ModelAnswer, 'cardData'>): readonly string[] {
  const { language } = cardData ?? {};
  return language === undefined ? [] : [language].flat();
}
