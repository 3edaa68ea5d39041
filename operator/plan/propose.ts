import type { ComputeProvider, TrainingPlan, TrainingPolicy } from '@kriptik/crds';
import type { MicroUsd } from '../money.ts';
import { mergePolicies } from '../planner/policy.ts';
import { recommend } from '../planner/recommend.ts';
import type { DataFacts, EffectivePolicy, ModelFacts, PlanResult, ProviderOffer } from '../planner/types.ts';
import { type Market, offersOfProvider } from '../provider/offers.ts';

/** Policies that hold in a namespace with these labels, merged to the most restrictive. */
export function policyFor(
  policies: readonly TrainingPolicy[],
  namespaceLabels: Readonly<Record<string, string>>,
): EffectivePolicy {
  const holding = policies.filter((policy) =>
    Object.entries(policy.spec.namespaceSelector?.matchLabels ?? {}).every(
      ([key, value]) => namespaceLabels[key] === value,
    ),
  );
  return mergePolicies(holding.map((policy) => ({ name: policy.metadata.name, spec: policy.spec })));
}

export interface ProposeInput {
  readonly plan: Pick<TrainingPlan, 'spec'>;
  readonly market: Market;
  readonly providers: readonly ComputeProvider[];
  /** Offers besides those of the providers. */
  readonly offers?: readonly ProviderOffer[];
  readonly policy: EffectivePolicy;
  readonly facts: readonly DataFacts[];
  readonly modelFacts?: readonly ModelFacts[];
  /** What the month's ceiling leaves the namespace; undefined where none holds. */
  readonly monthlyRemaining?: MicroUsd | undefined;
  readonly hubReachable: boolean;
  readonly now: number;
}

/** The planner's answer for a plan as things stand. */
export function propose(input: ProposeInput): PlanResult {
  const { plan, policy, monthlyRemaining } = input;
  return recommend({
    contract: plan.spec.contract,
    ...(plan.spec.selection === undefined ? {} : { selection: plan.spec.selection }),
    catalog: input.market.catalog,
    providers: [
      ...input.providers
        .filter((provider) => provider.spec.enabled !== false)
        .flatMap((provider) => offersOfProvider(provider, input.market)),
      ...(input.offers ?? []),
    ],
    policy,
    dataFacts: input.facts,
    ...(input.modelFacts !== undefined && { modelFacts: input.modelFacts }),
    hubReachable: input.hubReachable,
    ...(monthlyRemaining === undefined ? {} : { monthlyRemaining }),
    now: new Date(input.now),
  });
}
