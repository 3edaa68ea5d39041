import { collectionPath } from '@kriptik/operator/runtime/resource.ts';
import type { CallOptions, KubeClient } from '@kriptik/operator/runtime/rest.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import { renderTable } from './render/table.ts';
import { printable } from './render/width.ts';

/** `meta.k8s.io/v1` Table: what the API server prints for a kind, from the CRD's printer columns. */
export interface ServerTable {
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: KubeObject }[];
  readonly metadata: { readonly resourceVersion?: string };
}

const ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io';

export interface TableQuery extends CallOptions {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly labelSelector?: string | undefined;
}

/** Asks the API server to print objects of one kind; one object when a name is given. */
export function fetchTable(client: KubeClient, type: ResourceType, query: TableQuery): Promise<ServerTable> {
  const base = collectionPath(type, query.namespace);
  return client.raw<ServerTable>('GET', query.name === undefined ? base : `${base}/${encodeURIComponent(query.name)}`, {
    accept: ACCEPT,
    query: { labelSelector: query.labelSelector },
    signal: query.signal,
    timeoutMs: query.timeoutMs,
  });
}

export interface PrintOptions {
  readonly wide: boolean;
  /** Adds the namespace as the first column. */
  readonly namespaces: boolean;
  readonly header: boolean;
}

/** Renders tables of the same kind as one. */
export function renderServerTables(tables: readonly ServerTable[], options: PrintOptions): string {
  const definitions = tables[0]?.columnDefinitions ?? [];
  const shown = definitions.flatMap((column, index) =>
    options.wide || column.priority === 0 ? [{ column, index }] : [],
  );
  const columns = [
    ...(options.namespaces ? [{ title: 'NAMESPACE' }] : []),
    ...shown.map(({ column }) => ({ title: column.name.toUpperCase() })),
  ];
  const rows = tables.flatMap((table) =>
    table.rows.map((row) => [
      ...(options.namespaces ? [row.object?.metadata.namespace ?? ''] : []),
      ...shown.map(({ index }) => cell(row.cells[index])),
    ]),
  );
  return renderTable(columns, rows, { header: options.header });
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
