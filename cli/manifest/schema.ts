import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KINDS } from '../resources.ts';

/** The part of a structural OpenAPI schema that can be checked without a cluster. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly nullable?: boolean;
  /** Filled in by the API server before anything is checked. */
  readonly default?: unknown;
  readonly description?: string;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** What a CRD file says about its kind. */
export interface CrdFile {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly schema?: { readonly openAPIV3Schema?: Schema } }[];
  };
}

/** Folder of the definitions that came with this program. */
const DEFINITIONS = fileURLToPath(new URL('../../crds/types', import.meta.url));

/** Reads the definitions of all kinds, by name. */
export function bundledCrds(): CrdFile[] {
  return KINDS.map(({ type }) => type.kind)
    .sort()
    .map(readCrd);
}

/** The definitions that are needed to check these values: those of their kinds, or all where a kind is not known. */
export function crdsFor(values: readonly unknown[]): CrdFile[] {
  const kinds = new Set(values.map(kindOf));
  const known = KINDS.map(({ type }) => type.kind).filter((kind) => kinds.has(kind));
  return known.length < kinds.size ? bundledCrds() : known.map(readCrd);
}

function kindOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
}

function readCrd(kind: string): CrdFile {
  return JSON.parse(readFileSync(join(DEFINITIONS, `${kind.toLowerCase()}.json`), 'utf8')) as CrdFile;
}

/** The schema of a kind, or undefined when it is not one of ours. */
export function schemaOf(crds: readonly CrdFile[], apiVersion: string, kind: string): Schema | undefined {
  const crd = crds.find(({ spec }) => spec.names.kind === kind && apiVersion.startsWith(`${spec.group}/`));
  return crd?.spec.versions.find(({ name }) => apiVersion === `${crd.spec.group}/${name}`)?.schema?.openAPIV3Schema;
}
