import { truncate } from '../render/width.ts';
import { didYouMean } from '../suggest.ts';
import { brokenRule } from './rules.ts';
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

/** Checks types, required and unknown fields, enums, patterns, limits, and the rules in CEL that speak of one text. */
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
        message: [`${quoted(value)} is not one of ${known.join(', ')}.`, hint]
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
      : `the ${typeof value} ${quoted(value)}`;
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
  const message = badCharacter(value) ?? badText(value, schema);
  return message === undefined ? [] : [{ path, message }];
}

/** What the API server would refuse first; the rule's own words say more than a length does. */
function badText(value: string, schema: Schema): string | undefined {
  const length = Array.from(value).length;
  const { minLength, maxLength, pattern } = schema;
  if (minLength !== undefined && length < minLength)
    return minLength === 1 ? 'must not be empty' : `is shorter than ${minLength} characters`;
  const broken = brokenRule(value, schema);
  if (broken !== undefined) return `${shown(value)} is not right: ${broken}`;
  if (maxLength !== undefined && length > maxLength)
    return `is ${length} characters long; at most ${maxLength} are taken: shorten it`;
  if (pattern === undefined || new RegExp(pattern, 'u').test(value)) return undefined;
  const meaning = schema.description?.split(/(?<=\.)\s/)[0];
  return `${shown(value)} does not have the right form${meaning === undefined ? '' : `. Expected: ${meaning}`}`;
}

/** Characters of a wrong value that are shown. */
const LONGEST_QUOTE = 80;

function shown(value: string): string {
  return `"${truncate(value, LONGEST_QUOTE)}"`;
}

function quoted(value: unknown): string {
  return truncate(JSON.stringify(value), LONGEST_QUOTE);
}

/** Tabs and line ends are text; other control characters can steer a terminal and mean nothing to a reader. */
function badCharacter(value: string): string | undefined {
  if (!value.isWellFormed()) return 'holds half of a surrogate pair, which is no character; write the character itself';
  const found = /(?![\t\n\r])\p{Cc}/u.exec(value);
  if (found === null) return undefined;
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `holds the control character U+${code} (character ${found.index + 1}); remove it`;
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
