import type { ComputeProvider, TrainingGoal } from '@kriptik/crds';
import { isForbidden, isNotFound } from '@kriptik/operator/runtime/errors.ts';
import { duration } from '../render/duration.ts';
import { GOALS, PROVIDERS } from '../resources.ts';
import type { Session } from '../session.ts';
import { type Finding, fail, ok, skip } from './types.ts';

/** An operator at work has looked at every change after this long, in ms. */
const UNSEEN_MS = 10_000;

/** A leader renews its Lease every few seconds; after this long it is taken for dead, in ms. */
const LEASE_MS = 30_000;

const START =
  'Start one: "kriptik up" on this machine, or see the log of the one in the cluster (namespace kriptik-system).';

/** What can be known of the operator from outside. */
export interface OperatorState {
  readonly works: 'yes' | 'no' | 'unknown';
  /** One line, such as `has not looked at goal/helpdesk, changed 3m ago`. */
  readonly detail: string;
}

export interface OperatorTraces {
  readonly now: number;
  readonly goals: readonly TrainingGoal[];
  readonly providers: readonly ComputeProvider[];
  /** The Lease of an operator that elects a leader. */
  readonly lease?: { readonly holder: string; readonly renewedAt: number } | undefined;
}

/**
 * Whether an operator is at work, from what it leaves behind: it takes note of every change of a goal or provider, and
 * one that elects a leader renews a Lease. Where nothing changed lately, nothing can be known.
 */
export function operatorState({ now, goals, providers, lease }: OperatorTraces): OperatorState {
  const unseen = [
    ...goals.map((goal) => ['goal', goal] as const),
    ...providers.map((one) => ['provider', one] as const),
  ]
    .filter(([, object]) => object.status?.observedGeneration !== object.metadata.generation)
    .map(([word, { metadata }]) => ({ name: `${word}/${metadata.name}`, age: now - changedAt(metadata) }))
    .sort((a, b) => b.age - a.age)[0];
  if (unseen !== undefined && unseen.age > UNSEEN_MS) {
    return { works: 'no', detail: `none has looked at ${unseen.name}, changed ${duration(unseen.age / 1000)} ago` };
  }
  if (lease !== undefined) {
    const age = now - lease.renewedAt;
    const renewed = `leader ${lease.holder}, lease renewed ${duration(age / 1000)} ago`;
    return age > LEASE_MS
      ? { works: 'no', detail: `the last one is gone: ${renewed}` }
      : { works: 'yes', detail: renewed };
  }
  if (goals.length + providers.length === 0)
    return { works: 'unknown', detail: 'nothing is there that it could have looked at' };
  return { works: 'yes', detail: 'it has looked at every goal and provider' };
}

/** When the specification was written last, epoch ms. Who writes only status does not count. */
function changedAt(metadata: { readonly creationTimestamp?: string }): number {
  const managed: unknown = 'managedFields' in metadata ? metadata.managedFields : undefined;
  const times = (Array.isArray(managed) ? (managed as { subresource?: string; time?: string }[]) : [])
    .filter(({ subresource }) => subresource !== 'status')
    .map(({ time }) => Date.parse(time ?? ''));
  return Math.max(Date.parse(metadata.creationTimestamp ?? ''), ...times.filter(Number.isFinite));
}

/** Reads the traces of the operator in all namespaces that may be read. */
export async function readOperatorState(session: Session): Promise<OperatorState> {
  const options = { signal: session.host.signal, timeoutMs: 5_000 };
  const [goals, providers, lease] = await Promise.all([
    session.client
      .resource(GOALS)
      .list(options)
      .catch((error: unknown) => {
        if (!isForbidden(error)) throw error;
        return session.client.resource(GOALS).list({ ...options, namespace: session.namespace });
      }),
    session.client.resource(PROVIDERS).list(options),
    readLease(session),
  ]);
  return operatorState({ now: session.now(), goals: goals.items, providers: providers.items, lease });
}

async function readLease(session: Session): Promise<OperatorTraces['lease']> {
  interface Lease {
    readonly spec?: { readonly holderIdentity?: string; readonly renewTime?: string };
  }
  try {
    const { spec } = await session.client.raw<Lease>(
      'GET',
      '/apis/coordination.k8s.io/v1/namespaces/kriptik-system/leases/kriptik-operator',
      { signal: session.host.signal, timeoutMs: 5_000 },
    );
    if (spec?.renewTime === undefined || (spec.holderIdentity ?? '') === '') return undefined;
    return { holder: spec.holderIdentity ?? '', renewedAt: Date.parse(spec.renewTime) };
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
}

/** Whether an operator works for this cluster. */
export async function checkOperator(session: Session): Promise<Finding> {
  const { works, detail } = await readOperatorState(session);
  if (works === 'unknown') return skip('operator', detail);
  return works === 'yes' ? ok('operator', detail) : fail('operator', detail, START);
}
