import { isGone } from '@kriptik/operator/runtime/errors.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import { watch } from '@kriptik/operator/runtime/watch.ts';
import type { Command } from 'commander';
import { usageError } from '../errors.ts';
import { getObject } from '../locate.ts';
import { type Format, outputOption, renderName, renderObjects } from '../output.ts';
import { GOALS, JOBS, kindOf, PLANS, parseTarget, wordOf } from '../resources.ts';
import { fetchTable, renderServerTables } from '../servertable.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

interface GetOptions {
  readonly allNamespaces?: boolean;
  readonly output: Format;
  readonly selector?: string;
  readonly watch?: boolean;
  readonly headers: boolean;
}

/** One kind to print, with the names asked for; no names means all. */
interface Query {
  readonly type: ResourceType;
  readonly names: readonly string[];
}

export function registerGet(program: Command, open: Open): void {
  program
    .command('get')
    .summary('list goals, plans, jobs, policies, receipts or providers')
    .description('List objects as the API server prints them. Without a kind: goals, plans and jobs.')
    .argument('[kind]', 'goals, plans, jobs, policies, receipts, providers, or KIND/NAME')
    .argument('[names...]', 'only these objects')
    .option('-A, --all-namespaces', 'objects of every namespace')
    .option('-l, --selector <labels>', 'only objects with these labels, such as training.kriptik.ai/goal=NAME')
    .option('-w, --watch', 'go on printing every change')
    .option('--no-headers', 'leave the header line out')
    .addOption(outputOption())
    .action(async (kind: string | undefined, names: string[], options: GetOptions, command: Command) => {
      await get(open(command), queriesOf(kind, names), options);
    });
}

function queriesOf(kind: string | undefined, names: readonly string[]): Query[] {
  if (kind === undefined) return [GOALS, PLANS, JOBS].map((type) => ({ type, names: [] }));
  if (kind.includes('/')) {
    return [kind, ...names].map((text) => {
      const { type, name } = parseTarget(text);
      if (type === undefined)
        throw usageError(`"${text}" has no kind`, 'Write every object as KIND/NAME, or KIND NAME NAME.');
      return { type, names: [name] };
    });
  }
  return [{ type: kindOf(kind), names }];
}

async function get(session: Session, queries: readonly Query[], options: GetOptions): Promise<void> {
  const [first] = queries;
  if (options.watch === true && (queries.length > 1 || first === undefined || first.names.length > 1)) {
    throw usageError('--watch follows one kind or one object', 'For a goal with its plan and job: kriptik watch GOAL.');
  }
  const { output } = options;
  const version =
    output === 'table' || output === 'wide'
      ? await printTables(session, queries, options)
      : await printObjects(session, queries, options, output);
  if (options.watch === true && first !== undefined) await follow(session, first, options, version);
}

const scopeOf = (session: Session, type: ResourceType, options: GetOptions): string | undefined =>
  type.namespaced && options.allNamespaces !== true ? session.namespace : undefined;

/** Prints, and returns the version of the last list, to watch from. */
async function printTables(session: Session, queries: readonly Query[], options: GetOptions): Promise<string> {
  let blocks = 0;
  let version = '';
  for (const { type, names } of queries) {
    const namespace = scopeOf(session, type, options);
    // A missing object is looked for by name, so that the error can name near ones.
    for (const name of names) await getObject(session, type, name);
    const asked = names.length === 0 ? [undefined] : names;
    const tables = await Promise.all(
      asked.map((name) =>
        fetchTable(session.client, type, {
          namespace,
          name,
          labelSelector: options.selector,
          signal: session.host.signal,
        }),
      ),
    );
    version = tables[0]?.metadata.resourceVersion ?? '';
    if (tables.every((table) => (table.rows ?? []).length === 0)) {
      if (queries.length === 1) noneFound(session, type, namespace);
      continue;
    }
    if (blocks > 0) session.print('');
    blocks += 1;
    const namespaces = type.namespaced && options.allNamespaces === true;
    session.print(renderServerTables(tables, { wide: options.output === 'wide', namespaces, header: options.headers }));
  }
  if (blocks === 0 && queries.length > 1) session.note('Nothing here yet. Begin with: kriptik apply -f goal.yaml');
  return version;
}

function noneFound(session: Session, type: ResourceType, namespace: string | undefined): void {
  session.note(
    `No ${wordOf(type)}s found${namespace === undefined ? '.' : ` in namespace ${namespace}; -A looks in all.`}`,
  );
}

async function printObjects(
  session: Session,
  queries: readonly Query[],
  options: GetOptions,
  format: 'json' | 'yaml' | 'name',
): Promise<string> {
  const lists = await Promise.all(queries.map((query) => objectsOf(session, query, options)));
  const objects = lists.flatMap(({ items }) => items);
  const single = queries.length === 1 && queries[0]?.names.length === 1;
  if (format === 'name') session.print(objects.map((object) => `${renderName(object)}\n`).join(''));
  else session.print(renderObjects(objects, format, single));
  return lists[0]?.version ?? '';
}

interface Found {
  readonly items: readonly KubeObject[];
  /** To watch from. */
  readonly version: string;
}

async function objectsOf(session: Session, { type, names }: Query, options: GetOptions): Promise<Found> {
  if (names.length > 0) {
    const items = await Promise.all(names.map((name) => getObject(session, type, name)));
    return { items, version: items[0]?.metadata.resourceVersion ?? '' };
  }
  const namespace = scopeOf(session, type, options);
  const { signal } = session.host;
  const list = await session.client.resource(type).list({ namespace, labelSelector: options.selector, signal });
  return { items: list.items, version: list.metadata.resourceVersion };
}

/** Prints one line (or document) for each change after `version` until interrupted. */
async function follow(session: Session, { type, names }: Query, options: GetOptions, version: string): Promise<void> {
  const { signal } = session.host;
  const [name] = names;
  const selection = {
    namespace: scopeOf(session, type, options),
    labelSelector: options.selector,
    fieldSelector: name === undefined ? undefined : `metadata.name=${name}`,
    signal,
  };
  let resourceVersion = version;
  while (!signal.aborted) {
    try {
      for await (const { type: change, object } of watch(session.client, type, { ...selection, resourceVersion })) {
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
        if (change !== 'BOOKMARK') await printChange(session, type, change === 'DELETED', object, options);
      }
    } catch (error) {
      // The server forgets old versions: begin again from now.
      if (!isGone(error)) throw error;
      resourceVersion = (await session.client.resource(type).list(selection)).metadata.resourceVersion;
    }
  }
  signal.throwIfAborted();
}

async function printChange(
  session: Session,
  type: ResourceType,
  deleted: boolean,
  object: KubeObject,
  options: GetOptions,
): Promise<void> {
  const { output } = options;
  if (output === 'json' || output === 'yaml') session.print(renderObjects([object], output, true));
  else if (deleted) session.print(`${renderName(object)} deleted`);
  else if (output === 'name') session.print(renderName(object));
  else await printRow(session, type, object, options);
}

async function printRow(session: Session, type: ResourceType, object: KubeObject, options: GetOptions): Promise<void> {
  const { namespace, name } = object.metadata;
  const table = await fetchTable(session.client, type, { namespace, name, signal: session.host.signal });
  const namespaces = type.namespaced && options.allNamespaces === true;
  session.print(renderServerTables([table], { wide: options.output === 'wide', namespaces, header: false }));
}
