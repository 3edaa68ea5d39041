import { didYouMean } from '../suggest.ts';
import type { Schema } from './schema.ts';

/** One thing wrong with a value. `path` leads to the field. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `spec.data[0].uri` */
export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** Checks types, required and unknown fields, enums, patterns and limits. Rules in CEL are the API server's. */
export function validate(value: unknown, schema: Schema, path: readonly (string | number)[] = []): Finding[] {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true && schema.properties === undefined) return [];
  if (value === null)
    return schema.nullable === true ? [] : [{ path, message: 'is empty; give a value or remove the line' }];
  if (schema['x-kubernetes-int-or-string'] === true) return [];
  const mismatch = wrongType(value, schema.type);
  if (mismatch !== undefined) return [{ path, message: mismatch }];
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const known = schema.enum.map(String);
    const hint = typeof value === 'string' ? didYouMean(value, known) : undefined;
    return [
      {
        path,
        message: [`${JSON.stringify(value)} is not one of ${known.join(', ')}.`, hint]
          .filter((part) => part !== undefined)
          .join(' '),
      },
    ];
  }
  if (typeof value === 'string') return textFindings(value, schema, path);
  if (typeof value === 'number') return numberFindings(value, schema, path);
  if (Array.isArray(value)) return listFindings(value, schema, path);
  if (typeof value === 'object') return objectFindings(value as Record<string, unknown>, schema, path);
  return [];
}

function wrongType(value: unknown, type: string | undefined): string | undefined {
  const is = Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : `the ${typeof value} ${JSON.stringify(value)}`;
  switch (type ?? '') {
    case 'string':
      if (typeof value === 'string') return undefined;
      return typeof value === 'number' || typeof value === 'boolean'
        ? `must be text, not ${is}; put it in quotes: "${String(value)}"`
        : `must be text, not ${is}`;
    case 'integer':
      return Number.isInteger(value) ? undefined : `must be a whole number, not ${is}`;
    case 'number':
      return typeof value === 'number' ? undefined : `must be a number, not ${is}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `must be true or false, not ${is}`;
    case 'array':
      return Array.isArray(value) ? undefined : `must be a list (lines that begin with "- "), not ${is}`;
    case 'object':
      return typeof value === 'object' && !Array.isArray(value)
        ? undefined
        : `must be an object with fields, not ${is}`;
    default:
      return undefined;
  }
}

function textFindings(value: string, schema: Schema, path: Finding['path']): Finding[] {
  const length = Array.from(value).length;
  if (schema.minLength !== undefined && length < schema.minLength) {
    return [
      {
        path,
        message: schema.minLength === 1 ? 'must not be empty' : `is shorter than ${schema.minLength} characters`,
      },
    ];
  }
  if (schema.maxLength !== undefined && length > schema.maxLength)
    return [{ path, message: `is longer than ${schema.maxLength} characters` }];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    const meaning = schema.description?.split(/(?<=\.)\s/)[0];
    return [
      {
        path,
        message: `"${value}" does not have the right form${meaning === undefined ? '' : `. Expected: ${meaning}`}`,
      },
    ];
  }
  const broken = brokenPattern(value, schema);
  if (broken !== undefined) return [{ path, message: `"${value}" is not right: ${broken}` }];
  return [];
}

/** Rules in CEL that begin with a pattern can be half checked here: a text that breaks the pattern breaks the rule. */
function brokenPattern(value: string, schema: Schema): string | undefined {
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
    const [, pattern] = /^self\.matches\('((?:[^'\\]|\\.)*)'\)(?! *\|\|)/.exec(rule.trim()) ?? [];
    // CEL text knows the same escapes as a JavaScript string.
    if (pattern !== undefined && !rule.includes('||') && !new RegExp(pattern.replaceAll('\\\\', '\\'), 'u').test(value))
      return message;
  }
  return undefined;
}

function numberFindings(value: number, schema: Schema, path: Finding['path']): Finding[] {
  if (schema.minimum !== undefined && value < schema.minimum)
    return [{ path, message: `${value} is below ${schema.minimum}` }];
  if (schema.maximum !== undefined && value > schema.maximum)
    return [{ path, message: `${value} is above ${schema.maximum}` }];
  return [];
}

function listFindings(value: readonly unknown[], schema: Schema, path: Finding['path']): Finding[] {
  const found: Finding[] = [];
  if (schema.minItems !== undefined && value.length < schema.minItems)
    found.push({ path, message: `needs at least ${schema.minItems} entries` });
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    found.push({ path, message: `has more than ${schema.maxItems} entries` });
  const { items } = schema;
  return items === undefined
    ? found
    : [...found, ...value.flatMap((item, index) => validate(item, items, [...path, index]))];
}

function objectFindings(value: Readonly<Record<string, unknown>>, schema: Schema, path: Finding['path']): Finding[] {
  const properties = schema.properties ?? {};
  const missing = (schema.required ?? [])
    .filter((name) => value[name] === undefined && properties[name]?.default === undefined)
    .map((name) => ({
      path,
      message: `"${name}" is missing${properties[name]?.description === undefined ? '' : `: ${properties[name].description.split('\n')[0] ?? ''}`}`,
    }));
  const inner = Object.entries(value).flatMap(([name, field]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) return validate(field, known, [...path, name]);
    if (typeof schema.additionalProperties === 'object')
      return validate(field, schema.additionalProperties, [...path, name]);
    const open =
      schema.properties === undefined ||
      schema['x-kubernetes-preserve-unknown-fields'] === true ||
      schema.additionalProperties === true;
    if (open) return [];
    const hint = didYouMean(name, Object.keys(properties)) ?? `Fields here: ${Object.keys(properties).join(', ')}.`;
    return [{ path: [...path, name], message: `there is no field "${name}". ${hint}` }];
  });
  return [...missing, ...inner];
}
