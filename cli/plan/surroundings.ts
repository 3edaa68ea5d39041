import { availableParallelism, totalmem } from 'node:os';
import type { ComputeProvider, Contract, TrainingPolicy } from '@kriptik/crds';
import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import { formatUsd, type MicroUsd } from '@kriptik/operator/money.ts';
import type { Surroundings } from '@kriptik/operator/plan/preview.ts';
import { publishedMarket } from '@kriptik/operator/planner/market.ts';
import { DEFAULT_RATE, localProvider } from '../commands/localprovider.ts';
import { POLICIES, PROVIDERS } from '../resources.ts';
import { hasKubeconfig, type Session } from '../session.ts';
import type { PlanInput } from './input.ts';
import { objectsOfFiles } from './input.ts';

export interface SurroundingsOptions {
  readonly policy?: readonly string[];
  readonly provider?: readonly string[];
  /** Price of an hour of this machine. */
  readonly rate?: MicroUsd;
  /** Ask no cluster. */
  readonly offline?: boolean;
}

/** What a goal is planned against. */
export interface Place {
  readonly of: (contract: Contract) => Surroundings;
  readonly policies: readonly TrainingPolicy[];
  readonly namespaceLabels: Readonly<Record<string, string>>;
  /** A cluster answered. */
  readonly cluster: boolean;
  /** Cores and memory of this machine, for providers of type local. */
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
  /** What prices are those of, for people. */
  readonly source: (contract: Contract) => string;
}

/**
 * Providers and policies named in files; else those of the cluster; else this machine at --rate; else the published
 * market, and this machine only where the goal asks to run on it. So a goal has one price wherever it is planned.
 */
export async function placeOf(
  session: Session,
  input: PlanInput,
  catalog: Catalog,
  options: SurroundingsOptions,
): Promise<Place> {
  const machine = { cpus: availableParallelism(), memoryBytes: totalmem() };
  const policies = [
    ...input.policies,
    ...(await objectsOfFiles<TrainingPolicy>(session, options.policy ?? [], POLICIES.kind)),
  ].map(withoutSelector);
  const named = [
    ...input.providers,
    ...(await objectsOfFiles<ComputeProvider>(session, options.provider ?? [], PROVIDERS.kind)),
  ];
  const fixed = (providers: readonly ComputeProvider[], source: string) => ({
    of: () => ({ providers }),
    source: () => source,
    policies,
    namespaceLabels: {},
    cluster: false,
    machine,
  });
  if (named.length > 0) return fixed(named, `the providers ${named.map(({ metadata }) => metadata.name).join(', ')}`);
  if (options.rate !== undefined)
    return fixed([localProvider('local', { pricePerHour: options.rate })], machineAt(options.rate));
  const cluster = options.offline === true ? undefined : await clusterPlace(session);
  if (cluster !== undefined) {
    const { providers, namespaceLabels } = cluster;
    return {
      ...fixed(providers, 'the providers of the cluster'),
      policies: [...policies, ...cluster.policies],
      namespaceLabels,
      cluster: true,
    };
  }
  const offers = publishedMarket(catalog);
  return {
    ...fixed([], ''),
    of: (contract) => ({ providers: asksMachine(contract) ? [localProvider('local', {})] : [], offers }),
    source: (contract) => (asksMachine(contract) ? `${machineAt(DEFAULT_RATE)} (--rate)` : 'published list prices'),
  };
}

function asksMachine({ constraints }: Contract): boolean {
  return constraints.providers?.includes('local') === true || constraints.providerNames?.includes('local') === true;
}

function machineAt(rate: MicroUsd): string {
  return `this machine at ${formatUsd(rate)} an hour`;
}

/** Who names a policy's file means it to hold, whatever namespaces it is for. */
function withoutSelector(policy: TrainingPolicy): TrainingPolicy {
  const { namespaceSelector: _, ...spec } = policy.spec;
  return { ...policy, spec };
}

interface ClusterPlace {
  readonly providers: readonly ComputeProvider[];
  readonly policies: readonly TrainingPolicy[];
  readonly namespaceLabels: Readonly<Record<string, string>>;
}

/** A cluster must not hold up a plan that can be made without it. */
const TIMEOUT_MS = 3_000;

/** What the cluster has; undefined where none is configured, none answers, or it has no provider. */
async function clusterPlace(session: Session): Promise<ClusterPlace | undefined> {
  if (!hasKubeconfig(session.options, session.host)) return undefined;
  const call = { signal: session.host.signal, timeoutMs: TIMEOUT_MS };
  try {
    const { connect } = await import('../connection.ts');
    session.useConnector(connect);
    const [providers, policies, namespaceLabels] = await Promise.all([
      session.client.resource(PROVIDERS).list(call),
      session.client.resource(POLICIES).list(call),
      labelsOf(session),
    ]);
    if (providers.items.length > 0) return { providers: providers.items, policies: policies.items, namespaceLabels };
    session.note('The cluster has no provider yet.');
  } catch (error) {
    session.host.signal.throwIfAborted();
    session.note(`No cluster answers (${error instanceof Error ? error.message.split('\n')[0] : String(error)}).`);
  }
  return undefined;
}

/** Labels of the goal's namespace; none where it cannot be read. */
async function labelsOf(session: Session): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(session.namespace)}`;
  return await session.client
    .raw<{ metadata?: { labels?: Record<string, string> } }>('GET', path, { timeoutMs: TIMEOUT_MS })
    .then(({ metadata }) => metadata?.labels ?? {})
    .catch(() => ({}));
}
