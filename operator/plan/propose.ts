import type { ComputeProvider, TrainingJob, TrainingPlan, TrainingPolicy } from '@kriptik/crds';
import { type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { mergePolicies } from '../planner/policy.ts';
import { recommend } from '../planner/recommend.ts';
import type { DataFacts, EffectivePolicy, PlanResult } from '../planner/types.ts';
import { type Market, offersOfProvider } from '../provider/offers.ts';
import { isTrue } from '../runtime/conditions.ts';

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
  readonly policy: EffectivePolicy;
  readonly facts: readonly DataFacts[];
  /** Jobs of the namespace, for the month's ceiling. */
  readonly jobs: readonly TrainingJob[];
  readonly hubReachable: boolean;
  readonly now: number;
}

/** The planner's answer for a plan as things stand. */
export function propose(input: ProposeInput): PlanResult {
  const { plan, policy } = input;
  const ceiling = policy.ceilings.perNamespacePerMonth;
  return recommend({
    contract: plan.spec.contract,
    ...(plan.spec.selection === undefined ? {} : { selection: plan.spec.selection }),
    catalog: input.market.catalog,
    providers: input.providers
      .filter((provider) => provider.spec.enabled !== false)
      .flatMap((provider) => offersOfProvider(provider, input.market)),
    policy,
    dataFacts: input.facts,
    hubReachable: input.hubReachable,
    ...(ceiling === undefined ? {} : { monthlyRemaining: remainingThisMonth(ceiling, input.jobs, input.now) }),
    now: new Date(input.now),
  });
}

/**
 * What a monthly ceiling leaves: jobs begun this month count with what they may still spend, finished ones with
 * what they did. Months are those of UTC.
 */
export function remainingThisMonth(ceiling: MicroUsd, jobs: readonly TrainingJob[], now: number): MicroUsd {
  const month = new Date(now).toISOString().slice(0, 7);
  let left = ceiling;
  for (const job of jobs) {
    const attempts = job.status?.attempts ?? [];
    if (!attempts.some((attempt) => attempt.createdAt.startsWith(month))) continue;
    const done = isTrue(job.status?.conditions, 'Succeeded') || isTrue(job.status?.conditions, 'Failed');
    const cost = job.status?.cost;
    const counted = done ? (cost?.spent ?? '0') : (cost?.limit ?? job.spec.run.contract.budget.limit);
    left = maxMoney(zeroMoney, subtractMoney(left, parseMoney(counted)));
  }
  return left;
}
