import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './resources.ts';

/**
 * The objects of a YAML or JSON file (several documents, and `List` objects, are taken apart), or of every
 * `.yaml` and `.yml` file directly in a folder, in the order of their names.
 * @throws Error naming the file and line that cannot be read as Kubernetes objects.
 */
export function readManifests(path: string): KubeObject[] {
  if (!statSync(path).isDirectory()) return parseManifests(readFileSync(path, 'utf8'), path);
  return readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .flatMap((name) => readManifests(join(path, name)));
}

/** The objects in the text; `origin` names it in errors. Empty documents are skipped. */
export function parseManifests(text: string, origin: string): KubeObject[] {
  const parsed = parseAllDocuments(text);
  const documents = Array.isArray(parsed) ? parsed : [];
  return documents.flatMap((document, index) => {
    const [error] = document.errors;
    if (error) throw new Error(`${origin}: ${error.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : objectsOf(value, `${origin}, document ${index + 1}`);
  });
}

function objectsOf(value: unknown, origin: string): KubeObject[] {
  if (isList(value)) return value.items.flatMap((item) => objectsOf(item, origin));
  if (isKubeObject(value)) return [value];
  throw new Error(`${origin}: not a Kubernetes object; apiVersion, kind and metadata are needed.`);
}

function isKubeObject(value: unknown): value is KubeObject {
  return (
    isPlainObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isPlainObject(value['metadata'])
  );
}

function isList(value: unknown): value is { items: unknown[] } {
  return isPlainObject(value) && value['kind'] === 'List' && Array.isArray(value['items']);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
