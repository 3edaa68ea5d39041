import type { ComputeProvider } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { offersOf, type ProviderView } from '../planner/offers.ts';
import type { ProviderOffer } from '../planner/types.ts';
import { findCondition, isTrue } from '../runtime/conditions.ts';

/** What offers are made from besides the provider's own spec. */
export interface Market {
  readonly catalog: Catalog;
  /** Cores and bytes of memory of this machine, for providers that train on it. */
  readonly machine?: { readonly cpus: number; readonly memoryBytes: number } | undefined;
}

/** What the trainer there told that it can do. */
function toldBy({ status }: ComputeProvider): Pick<ProviderView, 'executors' | 'stages'> {
  if (status?.trainer === undefined) return {};
  const { executors, stages } = status.trainer;
  return { executors, ...(stages !== undefined && { stages }) };
}

/** What a provider offers now, with the reason where it cannot take work. */
export function offersOfProvider(provider: ComputeProvider, { catalog, machine }: Market): readonly ProviderOffer[] {
  const conditions = provider.status?.conditions;
  const reason = findCondition(conditions, 'Ready')?.message;
  return offersOf(
    {
      name: provider.metadata.name,
      spec: provider.spec,
      ready: isTrue(conditions, 'Ready'),
      ...(reason === undefined ? {} : { reason }),
      ...toldBy(provider),
      ...(machine === undefined ? {} : machine),
    },
    catalog,
  );
}
