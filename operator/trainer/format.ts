/** Format by the suffix of a data URI; Hub datasets have none. */
export function formatOf(uri: string): 'jsonl' | 'csv' | 'parquet' | 'hub' {
  if (uri.startsWith('hf://')) return 'hub';
  const suffix = uri.slice(uri.lastIndexOf('.') + 1).toLowerCase();
  return suffix === 'csv' || suffix === 'parquet' ? suffix : 'jsonl';
}
