import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Turns relative paths in `spec.data[].uri` and `spec.output[].uri` of a goal (`./data.jsonl`, `../data.jsonl`) into
 * `file:///` URIs, as seen from `folder`. Paths mean something only beside their file; the cluster needs whole ones.
 */
export function withAbsoluteUris(value: unknown, folder: string): unknown {
  if (!isRecord(value) || value['kind'] !== 'TrainingGoal' || !isRecord(value['spec'])) return value;
  const spec = { ...value['spec'] };
  for (const field of ['data', 'output']) {
    const entries = spec[field];
    if (Array.isArray(entries)) spec[field] = entries.map((entry: unknown) => absolute(entry, folder));
  }
  return { ...value, spec };
}

function absolute(entry: unknown, folder: string): unknown {
  if (!isRecord(entry) || typeof entry['uri'] !== 'string' || !/^\.{1,2}\//.test(entry['uri'])) return entry;
  return { ...entry, uri: pathToFileURL(resolve(folder, entry['uri'])).href };
}
