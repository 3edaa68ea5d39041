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
    .summary('list goals, plans, jobs, policies or providers')
    .description('List objects as the API server prints them. Without a kind: goals, plans and jobs.')
    .argument('[kind]', 'goals, plans, jobs, policies, providers, or KIND/NAME')
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
  if (options.output === 'table' || options.output === 'wide') await printTables(session, queries, options);
  else await printObjects(session, queries, options, options.output);
  if (options.watch === true && first !== undefined) await follow(session, first, options);
}

const scopeOf = (session: Session, type: ResourceType, options: GetOptions): string | undefined =>
  type.namespaced && options.allNamespaces !== true ? session.namespace : undefined;

async function printTables(session: Session, queries: readonly Query[], options: GetOptions): Promise<void> {
  let blocks = 0;
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
): Promise<void> {
  const lists = await Promise.all(queries.map((query) => objectsOf(session, query, options)));
  const objects = lists.flat();
  const single = queries.length === 1 && queries[0]?.names.length === 1;
  if (format === 'name')
    session.print(
      objects
        .map(renderName)
        .map((line) => `${line}\n`)
        .join(''),
    );
  else session.print(renderObjects(objects, format, single));
}

async function objectsOf(session: Session, { type, names }: Query, options: GetOptions): Promise<KubeObject[]> {
  if (names.length > 0) return Promise.all(names.map((name) => getObject(session, type, name)));
  const namespace = scopeOf(session, type, options);
  return (
    await session.client
      .resource(type)
      .list({ namespace, labelSelector: options.selector, signal: session.host.signal })
  ).items;
}

/** Prints one line (or document) for each change until interrupted. */
async function follow(session: Session, { type, names }: Query, options: GetOptions): Promise<void> {
  const namespace = scopeOf(session, type, options);
  const [name] = names;
  const selection = {
    labelSelector: options.selector,
    fieldSelector: name === undefined ? undefined : `metadata.name=${name}`,
  };
  const { metadata } = await session.client
    .resource(type)
    .list({ namespace, ...selection, signal: session.host.signal });
  const changes = watch(session.client, type, {
    namespace,
    ...selection,
    resourceVersion: metadata.resourceVersion,
    signal: session.host.signal,
  });
  for await (const { type: change, object } of changes) {
    if (change === 'BOOKMARK') continue;
    if (options.output === 'json' || options.output === 'yaml')
      session.print(renderObjects([object], options.output, true));
    else if (options.output === 'name' || change === 'DELETED')
      session.print(renderName(object) + (change === 'DELETED' ? ' deleted' : ''));
    else await printRow(session, type, object, options);
  }
}

async function printRow(session: Session, type: ResourceType, object: KubeObject, options: GetOptions): Promise<void> {
  const { namespace, name } = object.metadata;
  const table = await fetchTable(session.client, type, { namespace, name, signal: session.host.signal });
  const namespaces = type.namespaced && options.allNamespaces === true;
  session.print(renderServerTables([table], { wide: options.output === 'wide', namespaces, header: false }));
}
