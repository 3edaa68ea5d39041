import type { KubeObject } from '@kriptik/operator/runtime/types.ts';
import { Option } from 'commander';
import { stringify } from 'yaml';

export type Format = 'table' | 'wide' | 'json' | 'yaml' | 'name';

/** The `-o` option with the formats a command can print. */
export function outputOption(
  formats: readonly (Format | 'markdown')[] = ['table', 'wide', 'json', 'yaml', 'name'],
): Option {
  return new Option('-o, --output <format>', 'how to print').choices([...formats]).default('table');
}

/** Fields that only the API server cares for. */
function withoutManagedFields(value: unknown): unknown {
  const { metadata, ...rest } = value as KubeObject;
  if (metadata === undefined) return value;
  const { managedFields: _, ...shown } = metadata;
  const { apiVersion, kind, ...others } = rest;
  return { apiVersion, kind, metadata: shown, ...others };
}

/** A value as JSON or YAML, ends with a newline. Objects lose their managedFields, as with kubectl. */
export function renderData(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 });
}

/** One object, or several as a `List`, in a machine format. */
export function renderObjects(objects: readonly KubeObject[], format: 'json' | 'yaml', single: boolean): string {
  const cleaned = objects.map(withoutManagedFields);
  return renderData(single ? cleaned[0] : { apiVersion: 'v1', kind: 'List', items: cleaned }, format);
}

/** `trainingjob.training.kriptik.ai/NAME`, as kubectl prints names. */
export function renderName(object: KubeObject): string {
  const group = object.apiVersion.includes('/') ? `.${object.apiVersion.split('/')[0] ?? ''}` : '';
  return `${object.kind.toLowerCase()}${group}/${object.metadata.name}`;
}
