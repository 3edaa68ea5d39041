import type { TrainingPlanStatus } from '@kriptik/crds';
import { currentPlan, planNameFor } from '../goal/current.ts';
import type { Recommendation } from '../planner/types.ts';
import { setCondition } from '../runtime/conditions.ts';
import type { PlanDecision, PlanObserved, Verdict } from './types.ts';

/** Without a digest it cannot be approved; one that was approved keeps it, and gets no job. */
export function withdrawn(o: PlanObserved, message: string): PlanDecision {
  const { status = {} } = o.plan;
  const { tiles: _t, resolved: _r, quote: _q, digest: _d, changes: _c, ...unpriced } = status;
  const kept = status.approval === undefined ? unpriced : status;
  return { status: withVerdict(o, kept, { phase: 'Withdrawn', reason: 'Withdrawn', message }) };
}

/** Name of the plan that stands for the goal instead of this one. */
export function supersededBy(o: PlanObserved): string | undefined {
  if (o.goal === undefined) return undefined;
  const current = currentPlan(o.goal, o.plans);
  return current === undefined || current.metadata.uid === o.plan.metadata.uid ? undefined : current.metadata.name;
}

export function superseded(o: PlanObserved, newer: string): PlanDecision {
  const message = `The goal was changed; plan ${newer} stands for it now`;
  const status = { ...o.plan.status, supersededBy: newer };
  return { status: withVerdict(o, status, { phase: 'Superseded', reason: 'Superseded', message }) };
}

export function withVerdict(o: PlanObserved, status: TrainingPlanStatus, verdict: Verdict): TrainingPlanStatus {
  const generation = o.plan.metadata.generation ?? 0;
  const isPriced = status.digest !== undefined;
  let conditions = o.plan.status?.conditions ?? [];
  for (const { on, ...rest } of observations(o, isPriced, verdict)) {
    const next = { ...rest, status: on ? ('True' as const) : ('False' as const), observedGeneration: generation };
    conditions = setCondition(conditions, next, new Date(o.now));
  }
  const parsing = status.parsing ?? parsingOf(o);
  return {
    ...status,
    ...(parsing !== undefined && { parsing }),
    observedGeneration: generation,
    conditions,
    phase: verdict.phase,
  };
}

interface Observation {
  readonly type: string;
  readonly on: boolean;
  readonly reason: string;
  readonly message: string;
}

function observations(
  { plan, facts, proposal }: PlanObserved,
  isPriced: boolean,
  verdict: Verdict,
): readonly Observation[] {
  const { phase, reason, message } = verdict;
  const priced = proposal !== undefined && !('blocked' in proposal) ? proposal : undefined;
  return [
    {
      type: 'Priced',
      on: isPriced,
      reason: isPriced ? 'Priced' : reason,
      message: isPriced ? '' : message,
    },
    { type: 'Approved', on: phase === 'Approved', reason, message },
    { type: 'Ready', on: phase === 'Approved', reason, message },
    ...(plan.spec.amends === undefined
      ? []
      : [{ type: 'Withdrawn', on: phase === 'Withdrawn', reason, message: phase === 'Withdrawn' ? message : '' }]),
    ...(facts === undefined
      ? []
      : [{ type: 'FactsVerified', on: facts.verified, reason: facts.reason, message: facts.message }]),
    ...(priced === undefined ? [] : [freshness(priced)]),
  ];
}

/** Whether the price is young enough to be trusted. A price of an old list may be approved all the same. */
function freshness({ stalePrice }: Recommendation): Observation {
  return stalePrice === undefined
    ? { type: 'PriceFresh', on: true, reason: 'FreshPrice', message: '' }
    : { type: 'PriceFresh', on: false, reason: 'StalePrice', message: stalePrice.message };
}

/** What reading the goal took, while the goal is still the one that was read for this plan. */
function parsingOf({ goal, plan }: PlanObserved): TrainingPlanStatus['parsing'] {
  return goal !== undefined && planNameFor(goal) === plan.metadata.name ? goal.status?.intent?.parsing : undefined;
}
