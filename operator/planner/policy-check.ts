import type { TrainingPolicySpec } from '@kriptik/crds';
import type { Denial, EffectivePolicy, PolicyRule } from './policy-types.ts';
import { ruleName } from './policy-types.ts';
import type { ProviderOffer } from './types.ts';

/** What a policy looks at in a base model. */
export interface JudgedModel {
  readonly id: string;
  readonly family: string;
  readonly hub: string;
  readonly license: string;
}

/** Why a model may not be used, the firmest rule of the first policy by name; undefined = allowed. */
export function modelForbidden(policy: EffectivePolicy, model: JudgedModel): Denial | undefined {
  const matches = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => [model.id, model.family, model.hub].some((name) => matchesPattern(pattern, name)));
  return (
    firstDenial(policy, 'spec.models.denied', ({ models }) =>
      matches(models?.denied ?? []) ? `denies the model ${model.id}` : undefined,
    ) ??
    firstDenial(policy, 'spec.models.allowed', ({ models }) =>
      models?.allowed !== undefined && !matches(models.allowed) ? `does not list the model ${model.id}` : undefined,
    ) ??
    licenseForbidden(policy, model.license)
  );
}

/** Why something under this licence (a base model, a public dataset) may not be used; undefined = allowed. */
export function licenseForbidden(policy: EffectivePolicy, license: string): Denial | undefined {
  return (
    firstDenial(policy, 'spec.licenses.denied', ({ licenses }) =>
      includes(licenses?.denied ?? [], license) ? `denies the licence ${license}` : undefined,
    ) ??
    firstDenial(policy, 'spec.licenses.allowed', ({ licenses }) =>
      licenses?.allowed !== undefined && !includes(licenses.allowed, license)
        ? `does not list the licence ${license}`
        : undefined,
    )
  );
}

/**
 * Why an offer may not be used with this many GPUs in all; undefined = allowed.
 * `wanted` are the regions that the goal asks for, where it does.
 */
export function offerForbidden(
  policy: EffectivePolicy,
  offer: ProviderOffer,
  count: number,
  wanted?: readonly string[],
): Denial | undefined {
  return (
    firstDenial(policy, 'spec.providers.denied', ({ providers }) =>
      includes(providers?.denied ?? [], offer.type) ? `denies ${offer.type} providers` : undefined,
    ) ??
    firstDenial(policy, 'spec.providers.allowed', ({ providers }) =>
      providers?.allowed !== undefined && !includes(providers.allowed, offer.type)
        ? `does not list ${offer.type} providers`
        : undefined,
    ) ??
    gpuForbidden(policy, offer.gpu, count) ??
    firstDenial(policy, 'spec.regions.allowed', ({ regions }) => regionProblem(regions?.allowed, offer)) ??
    noCommonRegion(policy, offer, wanted)
  );
}

/** The first region of an offer that the goal and every policy allow, as the provider spells it; undefined = none. */
export function regionFor(
  policy: EffectivePolicy,
  wanted: readonly string[] | undefined,
  offer: ProviderOffer,
): string | undefined {
  const { allowed } = policy.regions;
  return offer.regions.find(
    (region) =>
      (wanted === undefined || includes(wanted, region)) && (allowed === undefined || includes(allowed, region)),
  );
}

/** `*` stands for any text; case does not matter. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name.toLowerCase());
}

/** Whether a list has a value, whatever the case. */
export function includes(list: readonly string[], value: string): boolean {
  return list.some((item) => item.toLowerCase() === value.toLowerCase());
}

function gpuForbidden(policy: EffectivePolicy, gpu: string, count: number): Denial | undefined {
  if (gpu === 'cpu') return undefined;
  return (
    firstDenial(policy, 'spec.gpus.allowed', ({ gpus }) =>
      gpus?.allowed !== undefined && !includes(gpus.allowed, gpu) ? `does not list the GPU ${gpu}` : undefined,
    ) ??
    firstDenial(policy, 'spec.gpus.maxCount', ({ gpus }) =>
      gpus?.maxCount !== undefined && count > gpus.maxCount ? `allows at most ${gpus.maxCount} GPUs` : undefined,
    )
  );
}

/**
 * One's own machines stand where they stand. A rented one without a region can
 * come up anywhere, so a policy on regions does not let it pass.
 */
function regionProblem(allowed: readonly string[] | undefined, offer: ProviderOffer): string | undefined {
  if (allowed === undefined || offer.regions.some((region) => includes(allowed, region))) return undefined;
  const list = `allows only the regions ${allowed.join(', ') || '(none)'}`;
  if (offer.regions.length > 0) return `${list}, and ${offer.name} runs in ${offer.regions.join(', ')}`;
  if (offer.type === 'local' || offer.type === 'kubernetes') return undefined;
  return `${list}, and ${offer.name} may run anywhere: its ComputeProvider names no spec.regions`;
}

/** Each policy, and the goal, may like some region of an offer without any that all of them like. */
function noCommonRegion(
  policy: EffectivePolicy,
  offer: ProviderOffer,
  wanted: readonly string[] | undefined,
): Denial | undefined {
  if (policy.regions.allowed === undefined || offer.regions.length === 0) return undefined;
  if (regionFor(policy, wanted, offer) !== undefined) return undefined;
  const last = policy.sources.filter(({ spec }) => spec.regions?.allowed !== undefined).at(-1);
  if (last === undefined) return undefined;
  const rule = { policy: last.name, path: 'spec.regions.allowed' };
  return denial(rule, `and the other wishes leave no region of ${offer.name} that all allow`);
}

function firstDenial(
  policy: EffectivePolicy,
  path: string,
  judge: (spec: TrainingPolicySpec) => string | undefined,
): Denial | undefined {
  for (const { name, spec } of policy.sources) {
    const text = judge(spec);
    if (text !== undefined) return denial({ policy: name, path }, text);
  }
  return undefined;
}

function denial(rule: PolicyRule, text: string): Denial {
  return { rule, text: `${ruleName(rule)} ${text}` };
}
