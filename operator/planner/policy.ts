import type { ProviderType, TrainingPolicySpec } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { MicroUsd } from '../money.ts';
import { minMoney, parseMoney } from '../money.ts';
import type { EffectivePolicy, ProviderOffer } from './types.ts';

/** What holds where no TrainingPolicy selects the namespace. */
export const noPolicy: EffectivePolicy = {
  names: [],
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
export function mergePolicies(
  policies: readonly { readonly name: string; readonly spec: TrainingPolicySpec }[],
): EffectivePolicy {
  return policies
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .reduce((merged, { name, spec }) => merge(merged, name, spec), noPolicy);
}

/** Why a model may not be used; undefined = allowed. */
export function modelForbidden(policy: EffectivePolicy, model: ModelSpec): string | undefined {
  const by = `policy ${policy.names.join(', ')}`;
  const names = [model.id, model.family, model.hub];
  const matches = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  if (matches(policy.models.denied)) return `${by} denies this model`;
  if (policy.models.allowed.some((patterns) => !matches(patterns))) return `${by} does not list this model`;
  if (includes(policy.licenses.denied, model.license)) return `${by} denies the licence ${model.license}`;
  if (policy.licenses.allowed !== undefined && !includes(policy.licenses.allowed, model.license)) {
    return `${by} does not list the licence ${model.license}`;
  }
  return undefined;
}

/** Why an offer may not be used with this many GPUs; undefined = allowed. */
export function offerForbidden(policy: EffectivePolicy, offer: ProviderOffer, count: number): string | undefined {
  const by = `policy ${policy.names.join(', ')}`;
  if (includes(policy.providers.denied, offer.type)) return `${by} denies ${offer.type} providers`;
  if (policy.providers.allowed !== undefined && !includes(policy.providers.allowed, offer.type)) {
    return `${by} does not list ${offer.type} providers`;
  }
  if (offer.gpu !== 'cpu') {
    if (policy.gpus.allowed !== undefined && !includes(policy.gpus.allowed, offer.gpu)) {
      return `${by} does not list the GPU ${offer.gpu}`;
    }
    if (policy.gpus.maxCount !== undefined && count > policy.gpus.maxCount) {
      return `${by} allows at most ${policy.gpus.maxCount} GPUs`;
    }
  }
  const regions = policy.regions.allowed;
  if (regions !== undefined && offer.regions.length > 0 && !offer.regions.some((region) => includes(regions, region))) {
    return `${by} allows only the regions ${regions.join(', ')}`;
  }
  return undefined;
}

/** `*` stands for any text; case does not matter. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name.toLowerCase());
}

function merge(merged: EffectivePolicy, name: string, spec: TrainingPolicySpec): EffectivePolicy {
  const { providers, gpus, licenses, regions, models, ceilings, approval } = spec;
  const auto = approval?.autoApproveBelow;
  const first = merged.names.length === 0;
  return {
    names: [...merged.names, name],
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

function includes(list: readonly string[], value: string): boolean {
  return list.some((item) => item.toLowerCase() === value.toLowerCase());
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
