import type { Approval, TrainingJob } from '@kriptik/crds';
import { familyOf, spentBeside } from '../budget/receipts.ts';
import { planDigest, rememberedFor } from '../digest.ts';
import { formatUsd, type MicroUsd, parseMoney, zeroMoney } from '../money.ts';
import { ceilingOf } from '../planner/policy-ceiling.ts';
import type { EffectivePolicy } from '../planner/types.ts';
import { type Amends, amendmentFor, handover, overBecause, ranOn } from './amend.ts';
import { jobFor } from './desired.ts';
import type { PlanDecision, PlanObserved, Verdict } from './types.ts';
import { superseded, supersededBy, withdrawn, withVerdict } from './verdict.ts';

/** Reason of the Ready condition of an approved plan whose job is gone. */
const JOB_DELETED = 'JobDeleted';

/** An approved plan is frozen: it is checked, never priced again. */
export function approved(o: PlanObserved, approval: Approval): PlanDecision {
  const status = o.plan.status ?? {};
  const fault = approvalFault(o, approval);
  if (fault !== undefined) {
    return { status: withVerdict(o, status, { phase: 'Blocked', reason: 'ApprovalRefused', message: fault }) };
  }
  const newer = supersededBy(o);
  const verdict: Verdict = { phase: 'Approved', reason: 'Approved', message: `Approved by ${approval.user}` };
  const known = status.jobRef;
  if (isOwnJob(o, o.job) && (known === undefined || known.uid === o.job.metadata.uid)) {
    if (known === undefined && ranOn(o.job, o.amended, besideAmended(o), o.now)) {
      const message = `Job ${o.amended?.metadata.name ?? ''} ran on after the limit of this plan's job was worked out; delete job ${o.job.metadata.name}, which never ran, and it is made anew`;
      return { status: withVerdict(o, status, { phase: 'Blocked', reason: 'RanOn', message }) };
    }
    const jobRef = { name: o.job.metadata.name, uid: o.job.metadata.uid };
    return { status: withVerdict(o, { ...status, jobRef }, verdict), ...amendment(o, o.job) };
  }
  if (newer !== undefined && newer !== o.plan.spec.amends?.plan.name) return superseded(o, newer);
  if (known !== undefined) {
    // One approval pays for one job: another would begin to count from nothing.
    const message = `Its job was deleted, and what was approved is not spent twice; change the goal, or delete this plan, for a new plan to approve`;
    return { status: withVerdict(o, status, { phase: 'Blocked', reason: JOB_DELETED, message }) };
  }
  const { amends } = o.plan.spec;
  if (amends !== undefined) return replacing(o, amends, verdict);
  const over = overMonth(o);
  if (over !== undefined) {
    return { status: withVerdict(o, status, { phase: 'Blocked', reason: 'OverMonthlyCeiling', message: over }) };
  }
  const job = jobFor(o.plan);
  return { status: withVerdict(o, status, verdict), ...(job && { action: { type: 'CreateJob', job } }) };
}

/** One that a plan of the same name left, which is made anew, is on its way out and pays for nothing of this one. */
function isOwnJob({ plan }: PlanObserved, job: TrainingJob | undefined): job is TrainingJob {
  return job?.spec.planRef.uid === plan.metadata.uid;
}

/** A change of the plan to propose, where its job shows what it should change. */
function amendment({ goal, plan, plans, records, now }: PlanObserved, job: TrainingJob): Pick<PlanDecision, 'action'> {
  if (goal === undefined || plan.status?.jobRef?.uid !== job.metadata.uid) return {};
  const beside = spentBeside(familyOf(job), [job.metadata.uid], records, now);
  const proposal = amendmentFor({ now, goal, plan, plans, job, beside });
  return proposal === undefined ? {} : { action: { type: 'ProposeAmendment', plan: proposal } };
}

/** What runs besides the job that an amendment replaces, and the one in its place, took from their budget. */
function besideAmended({ amended, job, records, now }: PlanObserved): MicroUsd {
  if (amended === undefined) return zeroMoney;
  return spentBeside(familyOf(amended), [amended.metadata.uid, job?.metadata.uid], records, now);
}

/** An approved amendment: the job before saves and stops; what is left of the money then is for the new one. */
function replacing(o: PlanObserved, amends: Amends, verdict: Verdict): PlanDecision {
  const status = o.plan.status ?? {};
  const { amended } = o;
  const over = overBecause(amends, amended);
  if (amended === undefined || over !== undefined)
    return withdrawn(o, `${over ?? ''}; nothing of this plan was started`);
  const continues = handover(amends, amended, status.resolved?.start, besideAmended(o), o.now);
  if (continues === undefined) {
    const message = `${verdict.message}; it starts once job ${amends.job.name} has saved and stopped`;
    return { status: withVerdict(o, status, { ...verdict, message }) };
  }
  const job = jobFor(o.plan, continues);
  return { status: withVerdict(o, status, verdict), ...(job && { action: { type: 'CreateJob', job } }) };
}

/** Why an approval does not count although the API server stored it; undefined when it counts. */
function approvalFault(o: PlanObserved, approval: Approval): string | undefined {
  const { resolved, quote, digest } = o.plan.status ?? {};
  if (resolved === undefined || quote === undefined) return 'the plan was approved before it was priced';
  const { contract } = o.plan.spec;
  const actual = rememberedFor(o.plan, 'digest', () => planDigest({ contract, resolved, quote }));
  if (approval.digest !== digest || actual !== digest) {
    return `the approval names ${approval.digest}, but the plan's content hashes to ${actual}; it does not count`;
  }
  const barred = o.policy.approval.tiles.find(
    (rule) => rule.users.length > 0 && rule.groups.length === 0 && !rule.users.includes(approval.user),
  );
  if (barred === undefined || approval.via === 'policy') return undefined;
  return `${approval.user} may not approve ${barred.names.join(', ')}; the policy names ${barred.users.join(', ')}`;
}

/** Each plan was priced when the others were not approved yet: together they may be more than a month allows. */
function overMonth(o: PlanObserved): string | undefined {
  const { monthlyRemaining } = o;
  const limit = parseMoney(o.plan.status?.quote?.limit ?? '0');
  if (monthlyRemaining === undefined || limit <= monthlyRemaining) return undefined;
  const ceiling = ceilingOf({ ...o.policy, ceilings: monthlyOnly(o.policy) }, monthlyRemaining);
  return `Approved with a limit of ${formatUsd(limit)}, but ${ceiling?.text ?? 'the month leaves less'}. It starts as soon as that leaves enough; or lower the budget of the goal for a new plan`;
}

function monthlyOnly({ ceilings: { perNamespacePerMonth } }: EffectivePolicy): EffectivePolicy['ceilings'] {
  return perNamespacePerMonth === undefined ? {} : { perNamespacePerMonth };
}
