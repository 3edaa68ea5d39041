import type { DataSource } from '@kriptik/crds';

/** How the trainer is told to read a source. */
type TrainerFormat = 'jsonl' | 'csv' | 'parquet' | 'hub' | 'folder';

/** Format by the suffix of a data URI; Hub datasets have none. */
export function formatOf(uri: string): TrainerFormat {
  if (uri.startsWith('hf://')) return 'hub';
  const suffix = uri.slice(uri.lastIndexOf('.') + 1).toLowerCase();
  return suffix === 'csv' || suffix === 'parquet' ? suffix : 'jsonl';
}

/** The stated format of a source as the trainer names it, else the one that its URI tells. */
export function trainerFormat({ uri, format }: Pick<DataSource, 'uri' | 'format'>): TrainerFormat {
  if (format === 'imagefolder' || format === 'audiofolder' || format === 'videofolder') return 'folder';
  return format ?? formatOf(uri);
}
