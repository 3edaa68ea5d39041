import type { Schema } from './schema.ts';

/** Fills in the schema's defaults, as the API server does: only into objects that are there. */
export function withDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item: unknown) => withDefaults(item, items));
  }
  if (typeof value !== 'object' || value === null) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const given = filled[name] === undefined ? structuredClone(property.default) : filled[name];
    if (given !== undefined) filled[name] = withDefaults(given, property);
  }
  return filled;
}
