import type { ProviderType } from '@kriptik/crds';
import type { MicroUsd } from '../money.ts';
import { minMoney, parseMoney } from '../money.ts';
import { includes } from './policy-check.ts';
import type { EffectivePolicy, PolicySource } from './policy-types.ts';

/** What holds where no TrainingPolicy selects the namespace. */
export const noPolicy: EffectivePolicy = {
  names: [],
  sources: [],
  providers: { denied: [] },
  gpus: {},
  licenses: { denied: [] },
  regions: {},
  models: { allowed: [], denied: [] },
  ceilings: {},
  approval: { authorMayApprove: true, tiles: [] },
};

/**
 * The most restrictive reading of several policies: allow lists intersect, deny
 * lists add up, ceilings take the lowest, the author may approve only if every
 * policy says so, and approval is automatic only below what every policy with
 * an approval section allows. The order of the policies does not matter.
 */
export function mergePolicies(policies: readonly PolicySource[]): EffectivePolicy {
  return policies.toSorted((a, b) => (a.name < b.name ? -1 : 1)).reduce(merge, noPolicy);
}

function merge(merged: EffectivePolicy, source: PolicySource): EffectivePolicy {
  const { name, spec } = source;
  const { providers, gpus, licenses, regions, models, ceilings, approval } = spec;
  const auto = approval?.autoApproveBelow;
  const first = merged.names.length === 0;
  return {
    names: [...merged.names, name],
    sources: [...merged.sources, source],
    providers: {
      ...optional('allowed', intersect<ProviderType>(merged.providers.allowed, providers?.allowed)),
      denied: union(merged.providers.denied, providers?.denied),
    },
    gpus: {
      ...optional('allowed', intersect(merged.gpus.allowed, gpus?.allowed)),
      ...optional('maxCount', lower(merged.gpus.maxCount, gpus?.maxCount)),
    },
    licenses: {
      ...optional('allowed', intersect(merged.licenses.allowed, licenses?.allowed)),
      denied: union(merged.licenses.denied, licenses?.denied),
    },
    regions: optional('allowed', intersect(merged.regions.allowed, regions?.allowed)),
    models: {
      allowed: models?.allowed === undefined ? merged.models.allowed : [...merged.models.allowed, models.allowed],
      denied: union(merged.models.denied, models?.denied),
    },
    ceilings: {
      ...optional('perJob', lowest(merged.ceilings.perJob, ceilings?.perJob, `${name}: ceilings.perJob`)),
      ...optional(
        'perNamespacePerMonth',
        lowest(
          merged.ceilings.perNamespacePerMonth,
          ceilings?.perNamespacePerMonth,
          `${name}: ceilings.perNamespacePerMonth`,
        ),
      ),
    },
    approval: {
      ...optional(
        'autoApproveBelow',
        auto === undefined || (!first && merged.approval.autoApproveBelow === undefined)
          ? undefined
          : lowest(merged.approval.autoApproveBelow, auto, `${name}: approval.autoApproveBelow`),
      ),
      authorMayApprove: merged.approval.authorMayApprove && (approval?.authorMayApprove ?? true),
      tiles: [
        ...merged.approval.tiles,
        ...(approval?.tiles ?? []).map(({ names, groups, users }) => ({
          names,
          groups: groups ?? [],
          users: users ?? [],
        })),
      ],
    },
  };
}

function intersect<T extends string>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
): readonly T[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((item) => includes(b, item));
}

function union<T>(a: readonly T[], b: readonly T[] | undefined): readonly T[] {
  return [...new Set([...a, ...(b ?? [])])];
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function lowest(a: MicroUsd | undefined, text: string | undefined, field: string): MicroUsd | undefined {
  if (text === undefined) return a;
  const b = parseMoney(text, field);
  return a === undefined ? b : minMoney(a, b);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
