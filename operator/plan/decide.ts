import type { Approval } from '@kriptik/crds';
import { planDigest } from '../digest.ts';
import { findCondition } from '../runtime/conditions.ts';
import { type Amends, mootBecause } from './amend.ts';
import { approved } from './approved.ts';
import { proposed } from './proposed.ts';
import type { PlanDecision, PlanObserved } from './types.ts';
import { superseded, supersededBy, withdrawn, withVerdict } from './verdict.ts';

/** What to do about a plan: price it, wait for the decision on exactly that price, make its job. */
export function decidePlan(o: PlanObserved): PlanDecision {
  const approval = o.plan.status?.approval;
  const { amends } = o.plan.spec;
  const gone = findCondition(o.plan.status?.conditions, 'Withdrawn');
  if (gone?.status === 'True') return withdrawn(o, gone.message);
  if (approval?.decision === 'Approved') return approved(o, approval);
  // Nobody is asked twice: a denied amendment is not brought back by an edit either.
  if (approval?.decision === 'Denied' && (amends !== undefined || !changedSince(o, approval))) {
    const message = `Denied by ${approval.user}${approval.reason ? `: ${approval.reason}` : ''}`;
    return { status: withVerdict(o, o.plan.status ?? {}, { phase: 'Denied', reason: 'Denied', message }) };
  }
  if (amends !== undefined) return proposedAmendment(o, amends);
  const newer = supersededBy(o);
  if (newer !== undefined) return superseded(o, newer);
  return proposed(o);
}

/** An amendment goes when its reason does, and where the planner cannot make it: people are asked about nothing else. */
function proposedAmendment(o: PlanObserved, amends: Amends): PlanDecision {
  const moot = mootBecause(amends, o);
  if (moot !== undefined) return withdrawn(o, moot);
  if (o.proposal !== undefined && 'blocked' in o.proposal && !MAY_PASS.has(o.proposal.blocked.reason))
    return withdrawn(o, o.proposal.blocked.message);
  return proposed(o);
}

/** What stops a plan now and may not in a while. */
const MAY_PASS: ReadonlySet<string> = new Set(['DataUnreadable', 'NoProvider']);

/** A denial stands until a person selects something else and the plan is no longer the one that was denied. */
function changedSince(o: PlanObserved, approval: Approval): boolean {
  if ((o.plan.status?.observedGeneration ?? 0) >= (o.plan.metadata.generation ?? 0)) return false;
  if (o.proposal === undefined || 'blocked' in o.proposal) return o.proposal !== undefined;
  const { resolved, quote } = o.proposal;
  return planDigest({ contract: o.plan.spec.contract, resolved, quote }) !== approval.digest;
}
