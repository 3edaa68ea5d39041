import { canonicalJson } from '@kriptik/operator/digest.ts';
import { isApiError, isNotFound } from '@kriptik/operator/runtime/errors.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import type { Command } from 'commander';
import { collect } from '../arguments.ts';
import { usageError } from '../errors.ts';
import { type Checked, checkManifests } from '../manifest/check.ts';
import { loadManifests } from '../manifest/load.ts';
import { crdsFor } from '../manifest/schema.ts';
import { type Format, outputOption, renderName, renderObjects } from '../output.ts';
import { GOALS, GROUP, VERSION } from '../resources.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

interface ApplyOptions {
  readonly filename: readonly string[];
  readonly dryRun?: boolean;
  readonly forceConflicts?: boolean;
  readonly output: Format;
}

export function registerApply(program: Command, open: Open): void {
  program
    .command('apply')
    .summary('create or update goals, policies and providers from files')
    .description(
      'Check the files here, then apply them on the server (server-side apply, field manager kriptik-cli). Nothing is sent if any file is wrong. Relative data paths in a goal (./data.jsonl) are taken from the folder of its file.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input (may be repeated)', collect)
    .option('--dry-run', 'let the server check everything and change nothing')
    .option('--force-conflicts', 'take over fields that another manager owns')
    .addOption(outputOption(['table', 'json', 'yaml', 'name']))
    .action(async (options: ApplyOptions, command: Command) => apply(open(command), options));
}

/** Reads and checks files; throws one error with every finding. */
export async function readManifests(session: Session, names: readonly string[]): Promise<Checked[]> {
  if (names.length === 0) throw usageError('no file given', 'Name one with -f FILE.');
  const manifests = (await Promise.all(names.map((name) => loadManifests(session.host, name)))).flat();
  if (manifests.length === 0)
    throw usageError('the file holds no object', 'It needs apiVersion, kind, metadata and spec; examples/ shows how.');
  return checkManifests(manifests, crdsFor(manifests.map(({ value }) => value)));
}

async function apply(session: Session, options: ApplyOptions): Promise<void> {
  const results = await applyFiles(session, options.filename, options);
  const objects = results.map(({ object }) => object);
  const suffix = options.dryRun === true ? ' (dry run)' : '';
  if (options.output === 'json' || options.output === 'yaml')
    session.print(renderObjects(objects, options.output, objects.length === 1));
  else if (options.output === 'name') session.print(objects.map(renderName));
  else session.print(results.map(({ object, outcome }) => `${renderName(object)} ${outcome}${suffix}`));
  const goal = objects.find((object) => object.kind === GOALS.kind);
  if (goal !== undefined && options.dryRun !== true && options.output === 'table')
    session.note(`See its plan: kriptik plan ${goal.metadata.name}`);
}

export interface Applied {
  readonly object: KubeObject;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

export interface ApplyHow {
  /** The server checks everything and writes nothing. */
  readonly dryRun?: boolean;
  readonly forceConflicts?: boolean;
}

/** Reads, checks and applies files, in their order. */
export async function applyFiles(session: Session, names: readonly string[], how: ApplyHow): Promise<Applied[]> {
  const applied: Applied[] = [];
  for (const entry of await readManifests(session, names)) applied.push(await applyOne(session, entry, how));
  return applied;
}

async function applyOne(session: Session, entry: Checked, options: ApplyHow): Promise<Applied> {
  const { kind, metadata } = entry.object;
  const type: ResourceType = {
    group: GROUP,
    version: VERSION,
    kind,
    plural: entry.plural,
    namespaced: entry.namespaced,
  };
  const namespace = entry.namespaced ? (metadata.namespace ?? session.namespace) : undefined;
  const client = session.client.resource(type);
  const key = { namespace, name: metadata.name };
  const before = await client.get(key).catch((error: unknown) => {
    // Who may apply but not read is told less, and that is all.
    if (isNotFound(error) || (isApiError(error) && error.status === 403)) return undefined;
    throw error;
  });
  // Status is the operator's: a file saved from the cluster must not carry it back.
  const { status: _, ...body } = entry.object as KubeObject & { status?: unknown };
  const clean = {
    ...body,
    metadata: { name: metadata.name, ...(namespace === undefined ? {} : { namespace }), ...pick(metadata) },
  };
  const object = await client.apply(clean, {
    force: options.forceConflicts === true,
    dryRun: options.dryRun === true,
    signal: session.host.signal,
  });
  if (before === undefined) return { object, outcome: 'created' };
  return {
    object,
    outcome: content(before) === content(object) ? 'unchanged' : 'configured',
  };
}

function pick({ labels, annotations }: KubeObject['metadata']): Pick<KubeObject['metadata'], 'labels' | 'annotations'> {
  return { ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
}

/** What a file decides on. Versions say nothing about a dry run. */
function content(object: KubeObject): string {
  const { spec, metadata } = object as KubeObject & { spec?: unknown };
  return canonicalJson({ spec, labels: metadata.labels, annotations: metadata.annotations });
}
