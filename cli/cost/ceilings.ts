import type { TrainingPolicy } from '@kriptik/crds';
import type { SpendRecords } from '@kriptik/operator/budget/receipts.ts';
import { claimsOf } from '@kriptik/operator/job/claims.ts';
import { addMoney, formatMoney, zeroMoney } from '@kriptik/operator/money.ts';
import { policyFor } from '@kriptik/operator/plan/propose.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import { POLICIES } from '../resources.ts';
import type { Session } from '../session.ts';
import { leftOf } from './rows.ts';

/** A namespace's ceiling of this month. Amounts are decimal US dollars. */
export interface CeilingRow {
  readonly namespace: string;
  readonly ceiling: string;
  readonly policies: readonly string[];
  readonly spent: string;
  /** What open attempts may still spend, and what keeps the work of frozen ones. */
  readonly reserved: string;
  readonly left: string;
}

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** What policies allow the namespaces of these jobs this month, and what is left of it. Empty where they may not be read. */
export async function ceilingRows(session: Session, spent: SpendRecords, now: number): Promise<CeilingRow[]> {
  const { signal } = session.host;
  const [policies, namespaces] = await Promise.all([
    session.client.resource(POLICIES).list({ signal }),
    session.client.resource(NAMESPACES).list({ signal }),
  ]).catch(() => [{ items: [] }, { items: [] }] as const);
  return ceilingsOf(policies.items, namespaces.items, spent, now);
}

/** The same, from what was read. */
export function ceilingsOf(
  policies: readonly TrainingPolicy[],
  namespaces: readonly KubeObject[],
  { jobs, receipts }: SpendRecords,
  now: number,
): CeilingRow[] {
  const names = [...new Set([...jobs, ...receipts].map(({ metadata }) => metadata.namespace))].sort();
  return names.flatMap((namespace) => {
    const labels = namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels ?? {};
    const { ceilings, names: holding } = policyFor(policies, labels);
    if (ceilings.perNamespacePerMonth === undefined) return [];
    const here = { jobs: jobs.filter(isIn(namespace)), receipts: receipts.filter(isIn(namespace)) };
    const claims = claimsOf(here, now);
    const sum = (of: 'spent' | 'reserved'): string =>
      formatMoney(addMoney(zeroMoney, ...claims.map((claim) => claim[of])));
    const ceiling = formatMoney(ceilings.perNamespacePerMonth);
    const [spent, reserved] = [sum('spent'), sum('reserved')];
    return [{ namespace, ceiling, policies: holding, spent, reserved, left: leftOf(ceiling, spent, reserved) }];
  });
}

const isIn =
  (namespace: string) =>
  ({ metadata }: KubeObject): boolean =>
    metadata.namespace === namespace;
