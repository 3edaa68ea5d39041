import type { Approval, Quote, TrainingGoal, TrainingJob, TrainingPlan, TrainingPlanStatus } from '@kriptik/crds';
import { familyOf, type SpendRecords, spentBeside } from '../budget/receipts.ts';
import { planDigest, rememberedFor } from '../digest.ts';
import { currentPlan, planNameFor } from '../goal/current.ts';
import { addMoney, formatUsd, type MicroUsd, maxMoney, parseMoney, zeroMoney } from '../money.ts';
import { compareProposals } from '../planner/compare.ts';
import { ceilingOf } from '../planner/policy-ceiling.ts';
import type { EffectivePolicy, PlanResult, Recommendation } from '../planner/types.ts';
import { findCondition, setCondition } from '../runtime/conditions.ts';
import type { Unstored } from '../runtime/types.ts';
import {
  type Amends,
  amendmentFor,
  costsNoMore,
  handover,
  mootBecause,
  overBecause,
  ranOn,
  termsOf,
  uselessBecause,
} from './amend.ts';
import { contractLeft, stillEnding, takenBefore } from './budget-left.ts';
import { jobFor } from './desired.ts';
import type { Verification } from './price.ts';

export interface PlanObserved {
  readonly now: number;
  readonly plan: TrainingPlan;
  readonly goal: TrainingGoal | undefined;
  /** Plans of the namespace. */
  readonly plans: readonly TrainingPlan[];
  readonly job: TrainingJob | undefined;
  /** Of an amendment: the job that it would replace. */
  readonly amended?: TrainingJob | undefined;
  /** What runs of the namespace spent, deleted ones among them. */
  readonly records: SpendRecords;
  /** What the planner proposes as things stand; only looked at while nothing is decided. */
  readonly proposal: PlanResult | undefined;
  /** Whether the Hub confirmed the facts behind the proposal; absent where there is none. */
  readonly facts?: Verification | undefined;
  readonly policy: EffectivePolicy;
  /** What the month's ceiling leaves for this plan; undefined where none holds. */
  readonly monthlyRemaining?: MicroUsd | undefined;
  /** Name under which the operator itself approves where a policy lets it. */
  readonly operatorUser: string;
}

export interface PlanDecision {
  readonly status: TrainingPlanStatus;
  readonly action?:
    | { readonly type: 'CreateJob'; readonly job: Unstored<TrainingJob> }
    | { readonly type: 'ProposeAmendment'; readonly plan: Unstored<TrainingPlan> };
}

type Phase = NonNullable<TrainingPlanStatus['phase']>;

/** Reason of the Ready condition of an approved plan whose job is gone. */
const JOB_DELETED = 'JobDeleted';

interface Verdict {
  readonly phase: Phase;
  readonly reason: string;
  readonly message: string;
}

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

/** Without a digest it cannot be approved; one that was approved keeps it, and gets no job. */
function withdrawn(o: PlanObserved, message: string): PlanDecision {
  const { status = {} } = o.plan;
  const { tiles: _t, resolved: _r, quote: _q, digest: _d, changes: _c, ...unpriced } = status;
  const kept = status.approval === undefined ? unpriced : status;
  return { status: withVerdict(o, kept, { phase: 'Withdrawn', reason: 'Withdrawn', message }) };
}

/** A denial stands until a person selects something else and the plan is no longer the one that was denied. */
function changedSince(o: PlanObserved, approval: Approval): boolean {
  if ((o.plan.status?.observedGeneration ?? 0) >= (o.plan.metadata.generation ?? 0)) return false;
  if (o.proposal === undefined || 'blocked' in o.proposal) return o.proposal !== undefined;
  const { resolved, quote } = o.proposal;
  return planDigest({ contract: o.plan.spec.contract, resolved, quote }) !== approval.digest;
}

/** An approved plan is frozen: it is checked, never priced again. */
function approved(o: PlanObserved, approval: Approval): PlanDecision {
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

function proposed(o: PlanObserved): PlanDecision {
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

/** Name of the plan that stands for the goal instead of this one. */
function supersededBy(o: PlanObserved): string | undefined {
  if (o.goal === undefined) return undefined;
  const current = currentPlan(o.goal, o.plans);
  return current === undefined || current.metadata.uid === o.plan.metadata.uid ? undefined : current.metadata.name;
}

function superseded(o: PlanObserved, newer: string): PlanDecision {
  const message = `The goal was changed; plan ${newer} stands for it now`;
  const status = { ...o.plan.status, supersededBy: newer };
  return { status: withVerdict(o, status, { phase: 'Superseded', reason: 'Superseded', message }) };
}

function withVerdict(o: PlanObserved, status: TrainingPlanStatus, verdict: Verdict): TrainingPlanStatus {
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
