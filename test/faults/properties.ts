import type { Schema } from '@kriptik/crds/schema.ts';

/** One property of an object set to one value. */
export interface Change {
  /** Such as `budget.limit` or `data.0.uri`. */
  readonly path: string;
  /** What is special about the value. */
  readonly what: string;
  /** `undefined` removes the property. */
  readonly value: unknown;
}

const HUGE = 1_000_000;
const UNICODE = 'Zür\u0301ich 東京 🚀 \u202eabc\u0000'.replaceAll('\u0000', '\u2028');

/** Walks a schema: for each property that an object of it could have, the values that are worth a try. */
export function changesOf(schema: Schema, from: unknown, path: readonly string[] = []): Change[] {
  const own = path.length === 0 ? [] : valuesOf(schema, from).map((one) => ({ path: path.join('.'), ...one }));
  const removed =
    path.length === 0 || from === undefined ? [] : [{ path: path.join('.'), what: 'deleted', value: undefined }];
  const within = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    changesOf(property, (from as Record<string, unknown> | undefined)?.[name], [...path, name]),
  );
  const first = schema.items === undefined ? undefined : (from as unknown[] | undefined)?.[0];
  const items = schema.items === undefined || first === undefined ? [] : changesOf(schema.items, first, [...path, '0']);
  return [...own, ...removed, ...within, ...items];
}

function valuesOf(schema: Schema, from: unknown): { what: string; value: unknown }[] {
  const { type } = schema;
  if (type === 'string') return strings(schema, from);
  if (type === 'integer' || type === 'number') return numbers(schema);
  if (type === 'boolean') return [{ what: 'turned', value: from !== true }];
  if (type === 'array') return arrays(schema, from);
  return [{ what: 'emptied', value: {} }];
}

function strings({ enum: allowed, maxLength }: Schema, from: unknown): { what: string; value: unknown }[] {
  const others = (allowed ?? [])
    .filter((value) => value !== from)
    .map((value) => ({ what: `"${String(value)}"`, value }));
  const longest = maxLength === undefined ? [] : [{ what: 'one too long', value: 'a'.repeat(maxLength + 1) }];
  return [
    ...others,
    { what: 'empty', value: '' },
    { what: 'unicode', value: UNICODE },
    { what: 'huge', value: 'a'.repeat(HUGE) },
    { what: 'a number', value: '1' },
    { what: 'a negative number', value: '-1' },
    ...longest,
  ];
}

function numbers({ minimum, maximum }: Schema): { what: string; value: unknown }[] {
  const low = minimum ?? 0;
  const high = maximum ?? 2 ** 31 - 1;
  return [
    { what: 'least', value: low },
    { what: 'too little', value: low - 1 },
    { what: 'most', value: high },
    { what: 'too much', value: high + 1 },
    { what: 'null', value: null },
  ];
}

function arrays({ maxItems = 64 }: Schema, from: unknown): { what: string; value: unknown }[] {
  const [first] = Array.isArray(from) ? (from as unknown[]) : [];
  return [
    { what: 'emptied', value: [] },
    ...(first === undefined ? [] : [{ what: 'doubled', value: [first, first] }]),
    ...(first === undefined ? [] : [{ what: 'too many', value: Array.from({ length: maxItems + 1 }, () => first) }]),
  ];
}

/** The spec with the change made; parents that are not there are made. */
export function changed(spec: object, { path, value }: Change): object {
  const copy = structuredClone(spec) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = copy;
  for (const name of names) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}
