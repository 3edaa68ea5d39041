import type { Approval, Quote, TrainingPlanStatus } from '@kriptik/crds';
import { planDigest } from '../digest.ts';
import { addMoney, formatUsd, type MicroUsd, maxMoney, parseMoney, zeroMoney } from '../money.ts';
import { compareProposals } from '../planner/compare.ts';
import type { Recommendation } from '../planner/types.ts';
import { costsNoMore, termsOf, uselessBecause } from './amend.ts';
import { contractLeft, stillEnding, takenBefore } from './budget-left.ts';
import type { PlanDecision, PlanObserved } from './types.ts';
import { withdrawn, withVerdict } from './verdict.ts';

/** Prices a plan that nobody has decided on, and asks for the decision; or says what keeps it from being priced. */
export function proposed(o: PlanObserved): PlanDecision {
  const before = o.plan.status ?? {};
  // A denial goes with the digest it was for.
  const { tiles: _t, resolved: _r, quote: _q, digest: _d, changes: _c, approval: _a, ...unpriced } = before;
  const ending = stillEnding(o.plan, o.records);
  if (ending !== undefined) {
    const message = `Job ${ending.metadata.name} of this goal still ends; the price follows once what it spent is known`;
    return { status: withVerdict(o, unpriced, { phase: 'Pricing', reason: 'Pricing', message }) };
  }
  const taken = takenBefore(o.plan, o.records, o.now);
  if (contractLeft(o.plan.spec.contract, taken) === undefined) {
    const message = `Runs of this goal that were deleted or replaced spent ${formatUsd(taken)}, and its budget is ${usd(o.plan.spec.contract.budget.limit)}. Raise spec.budget.limit of the goal for a new plan`;
    return { status: withVerdict(o, unpriced, { phase: 'Blocked', reason: 'BudgetSpent', message }) };
  }
  if (o.proposal === undefined) {
    return {
      status: withVerdict(o, before, { phase: 'Pricing', reason: 'Pricing', message: 'Working out the price' }),
    };
  }
  if ('blocked' in o.proposal) {
    const { reason, message, remedy } = o.proposal.blocked;
    return {
      status: withVerdict(o, unpriced, {
        phase: 'Blocked',
        reason,
        message: `${message.replace(/\.+$/, '')}. ${remedy}`,
      }),
    };
  }
  const { resolved, quote, tiles } = o.proposal;
  const { amends } = o.plan.spec;
  const changes = changesOf(o, o.proposal);
  const useless = amends && uselessBecause(amends, quote, changes);
  if (useless !== undefined) return withdrawn(o, useless);
  const digest = planDigest({ contract: o.plan.spec.contract, resolved, quote });
  const priced: TrainingPlanStatus = {
    ...unpriced,
    tiles: [...tiles],
    resolved,
    quote,
    digest,
    ...(changes.length > 0 && { changes: [...changes] }),
  };
  const approval = automatic(o, digest, quote);
  if (approval === undefined) {
    const terms = amends === undefined ? alreadySpent(o, taken) : `${termsOf(amends, quote, resolved.start)} `;
    const message = `${terms}Costs ${usd(quote.total.low)} to ${usd(quote.total.high)}, never more than ${usd(quote.limit)}; approve this digest: ${digest}`;
    return { status: withVerdict(o, priced, { phase: 'AwaitingApproval', reason: 'AwaitingApproval', message }) };
  }
  const message = `Approved by policy ${o.policy.names.join(', ')}: at most ${usd(quote.limit)}`;
  return {
    status: withVerdict(o, { ...priced, approval }, { phase: 'Approved', reason: 'ApprovedByPolicy', message }),
  };
}

/** What people must know who see a lower limit than they wrote. */
function alreadySpent({ plan }: PlanObserved, taken: MicroUsd): string {
  if (taken === zeroMoney) return '';
  const { limit } = plan.spec.contract.budget;
  return `Runs of this goal before spent ${formatUsd(taken)} of its budget of ${usd(limit)}; the rest is for this plan. `;
}

/** Against what the selection moves, or, of an amendment, against the plan it amends. */
function changesOf({ plan, plans }: PlanObserved, proposal: Recommendation): Recommendation['changes'] {
  const { amends } = plan.spec;
  const { resolved, quote } = plans.find(({ metadata }) => metadata.uid === amends?.plan.uid)?.status ?? {};
  return resolved === undefined || quote === undefined
    ? proposal.changes
    : compareProposals({ resolved, quote }, proposal);
}

/** A decimal amount of the API, for people. */
function usd(amount: string): string {
  return formatUsd(parseMoney(amount));
}

/** Policies may let small plans pass; the limit counts, not the estimate, for the limit is what can be spent. */
function automatic(o: PlanObserved, digest: string, quote: Quote): Approval | undefined {
  const below = o.policy.approval.autoApproveBelow;
  const { amends } = o.plan.spec;
  // The runs of one goal count together: a large plan must not pass in small pieces.
  const earlier = maxMoney(parseMoney(amends?.spent ?? '0'), takenBefore(o.plan, o.records, o.now));
  const inAll = addMoney(parseMoney(quote.limit), earlier);
  if (below === undefined || inAll > below) return undefined;
  if (amends !== undefined && !costsNoMore(o.amended, quote, o.now)) return undefined;
  return { decision: 'Approved', digest, user: o.operatorUser, at: new Date(o.now).toISOString(), via: 'policy' };
}
