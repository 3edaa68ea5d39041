import { type Crd, type Schema, schemaOf, walk } from './schema.ts';

/** Deepest field the tables name, counted in steps: `spec.data[].uri` is three. */
const DEPTH = 3;

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'array') return schema.items?.type === 'object' ? 'list' : 'list of strings';
  if (schema.type === 'object') return schema.additionalProperties === undefined ? 'object' : 'map';
  return schema.format === 'date-time' ? 'time' : (schema.type ?? '');
}

function fallbackOf({ default: value }: Schema): string {
  if (value === undefined) return '';
  return ` Default: \`${typeof value === 'string' ? value : JSON.stringify(value)}\`.`;
}

/** Table of the fields of `spec` and `status`, from their descriptions. */
export function fieldTable(crd: Crd): string {
  const root = schemaOf(crd);
  const rows = [...walk(root)]
    .filter(
      ({ path }) => /^(spec|status)\./.test(path) && path.split('.').length <= DEPTH && !/(\[\]|\{\})$/.test(path),
    )
    .filter(({ path }) => !path.startsWith('status.conditions[]'))
    .map(({ path, schema }) => {
      return `| \`${path}\` | ${cell(typeOf(schema))} | ${cell(schema.description ?? '')}${fallbackOf(schema)} |`;
    });
  return ['| Field | Type | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Table of what the rules of the definition say where they refuse. */
export function refusalTable(crd: Crd): string {
  const rows = [...walk(schemaOf(crd))].flatMap(({ path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map((rule) => {
      const field = `${path}${rule.fieldPath ?? ''}`.replace(/^\./, '') || 'metadata.name';
      return `| \`${field}\` | ${cell(rule.message ?? '')} |`;
    }),
  );
  return ['| Field | What the API server says |', '| --- | --- |', ...rows].join('\n');
}

/**
 * The page with its generated parts renewed: what stands between `<!-- fields -->` or `<!-- refusals -->` and the next
 * `<!-- end -->`. @throws when a marker is missing.
 */
export function renewPage(page: string, crd: Crd): string {
  return replaceBetween(replaceBetween(page, 'fields', fieldTable(crd)), 'refusals', refusalTable(crd));
}

function replaceBetween(page: string, name: string, content: string): string {
  const start = page.indexOf(`<!-- ${name} -->`);
  const end = page.indexOf('<!-- end -->', start);
  if (start < 0 || end < 0)
    throw new Error(`no <!-- ${name} --> and <!-- end --> in the page: put them where the table goes`);
  return `${page.slice(0, start)}<!-- ${name} -->\n${content}\n${page.slice(end)}`;
}
