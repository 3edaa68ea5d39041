import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The parts of an OpenAPI v3 schema that CustomResourceDefinitions use. */
export interface Schema {
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema;
  items?: Schema;
  enum?: unknown[];
  default?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  'x-kubernetes-validations'?: Rule[];
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  [extension: string]: unknown;
}

/** One CEL rule. */
export interface Rule {
  rule: string;
  message?: string;
  messageExpression?: string;
  fieldPath?: string;
  reason?: string;
}

/** A CustomResourceDefinition with the one version all of ours have. */
export interface Crd {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; plural: string; singular: string; shortNames: string[]; categories: string[] };
    versions: {
      name: string;
      /** Absent where a kind is a record, and nothing is observed of it. */
      subresources?: { status: object; scale?: object };
      selectableFields?: { jsonPath: string }[];
      additionalPrinterColumns: {
        name: string;
        type: string;
        jsonPath: string;
        description: string;
        priority?: number;
      }[];
      schema: { openAPIV3Schema: Schema };
    }[];
  };
}

/** A node of a schema and where it stands, for example `spec.data[].uri`. */
export interface Located {
  readonly path: string;
  readonly schema: Schema;
}

/** Reads every definition beside this file, in order of file name. */
export function loadCrds(folder: URL = new URL('.', import.meta.url)): Crd[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  return files.map((name) => parse(readFileSync(new URL(name, folder), 'utf8')) as Crd);
}

/** Schema of the only version of a definition. @throws when there is none. */
export function schemaOf(crd: Crd): Schema {
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`${crd.metadata.name} has no version`);
  return version.schema.openAPIV3Schema;
}

/** Every node below and including `schema`. Items of a list are marked `[]`, values of a map `{}`. */
export function* walk(schema: Schema, path = ''): Generator<Located> {
  yield { path, schema };
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    yield* walk(child, path === '' ? name : `${path}.${name}`);
  }
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, `${path}{}`);
}

/** The node at `path`, as {@link walk} names it. @throws when there is none. */
export function schemaAt(root: Schema, path: string): Schema {
  for (const node of walk(root)) if (node.path === path) return node.schema;
  throw new Error(`no schema at "${path}": correct the path in crds/named.ts, or the YAML`);
}
