import {
  annotations,
  type Change,
  type Quote,
  type TrainingGoal,
  type TrainingJob,
  type TrainingPlan,
  type TrainingPlanSpec,
} from '@kriptik/crds';
import { spendNow } from '../budget/job-ledger.ts';
import { hashOf } from '../digest.ts';
import { currentPlan } from '../goal/current.ts';
import { newPlan } from '../goal/desired.ts';
import {
  addMoney,
  formatMoney,
  formatUsd,
  type MicroUsd,
  maxMoney,
  parseMoney,
  subtractMoney,
  zeroMoney,
} from '../money.ts';
import { findCondition, isTrue } from '../runtime/conditions.ts';
import type { Unstored } from '../runtime/types.ts';
import { amend } from './amend-change.ts';
import { type Start, takenOver } from './start.ts';

export type Amends = NonNullable<TrainingPlanSpec['amends']>;
type Finding = NonNullable<NonNullable<TrainingJob['status']>['diagnosis']>[number];
type Remedy = NonNullable<Finding['remedies']>[number];

/** Amendments proposed for one job, at most; whoever denied as many wants none. */
const MOST = 3;

export interface ProposalInput {
  readonly now: number;
  readonly goal: TrainingGoal;
  /** An approved plan. */
  readonly plan: TrainingPlan;
  /** Plans of the same goal. */
  readonly plans: readonly TrainingPlan[];
  readonly job: TrainingJob;
  /** What other runs took from the same budget, deleted ones among them. */
  readonly beside: MicroUsd;
}

/**
 * The amendment to propose for a job, from the first open finding whose remedy changes the plan; undefined where there
 * is none, one is still undecided, or it was proposed before. Its name follows from job and change: it is made once.
 */
export function amendmentFor(input: ProposalInput): Unstored<TrainingPlan> | undefined {
  const { goal, plan, plans, job, beside, now } = input;
  const proposed = plans.filter(({ spec }) => spec.amends?.job.uid === job.metadata.uid);
  if (proposed.length >= MOST || proposed.some(isOpen)) return undefined;
  if (endOf(job) !== undefined || currentPlan(goal, plans)?.metadata.uid !== plan.metadata.uid) return undefined;
  const money = moneyLeft(job, beside, now);
  if (money === undefined || money.left <= zeroMoney) return undefined;
  const made = new Set(proposed.map(({ metadata }) => metadata.name));
  for (const finding of openFindings(job)) {
    for (const remedy of finding.remedies ?? []) {
      const one = candidate(input, finding, remedy, money);
      if (one !== undefined && !made.has(one.metadata.name)) return one;
    }
  }
  return undefined;
}

/** An error that the job itself tries to overcome is no reason yet to ask people. */
function openFindings(job: TrainingJob): readonly Finding[] {
  const failed = isTrue(job.status?.conditions, 'Failed');
  return (job.status?.diagnosis ?? []).filter(
    ({ resolvedAt, severity }) =>
      resolvedAt === undefined && (severity === 'Warning' || (severity === 'Error' && failed)),
  );
}

function isOpen({ status }: TrainingPlan): boolean {
  return status?.approval === undefined && !isTrue(status?.conditions, 'Withdrawn');
}

interface Money {
  /** Of this goal's runs together. */
  readonly spent: MicroUsd;
  readonly left: MicroUsd;
}

function moneyLeft(job: TrainingJob, beside: MicroUsd, now: number): Money | undefined {
  const { status } = job;
  if (status?.cost === undefined) return undefined;
  const { total } = spendNow(status, now);
  return { spent: spentInAll(job, beside, now), left: subtractMoney(parseMoney(status.cost.limit), total) };
}

function candidate(
  { goal, plan, job }: ProposalInput,
  { code }: Finding,
  { text, change }: Remedy,
  money: Money,
): Unstored<TrainingPlan> | undefined {
  const adjusted = new Set(job.status?.attempts?.at(-1)?.adjustments);
  if (change === undefined || change.split(',').every((part) => adjusted.has(part))) return undefined;
  const amended = amend(plan, change);
  if (amended === undefined) return undefined;
  const { contract, selection } = amended;
  const digits = hashOf({ goal: goal.metadata.uid, job: job.metadata.uid, change }).slice('sha256:'.length);
  const author = plan.metadata.annotations?.[annotations.author];
  return newPlan(
    goal,
    `${goal.metadata.name}-${digits.slice(0, 8)}`,
    {
      contract: { ...contract, budget: { ...contract.budget, limit: formatMoney(money.left) } },
      selection,
      amends: {
        plan: { name: plan.metadata.name, uid: plan.metadata.uid },
        job: { name: job.metadata.name, uid: job.metadata.uid },
        finding: code,
        change,
        text,
        spent: formatMoney(money.spent),
      },
    },
    author,
  );
}

/** Why nothing can be put in the place of a job any more: undefined while it could. */
function endOf(job: TrainingJob): string | undefined {
  const { name, deletionTimestamp } = job.metadata;
  if (deletionTimestamp !== undefined) return `Job ${name} is being deleted`;
  if (isTrue(job.status?.conditions, 'Succeeded')) return `Job ${name} finished`;
  return job.spec.terminate === true ? `Job ${name} was ended for good` : undefined;
}

/** Why an amendment that nobody approved has lost its point; undefined while it has one. */
export function mootBecause(
  amends: Amends,
  o: {
    readonly goal: TrainingGoal | undefined;
    readonly plans: readonly TrainingPlan[];
    readonly amended?: TrainingJob | undefined;
  },
): string | undefined {
  const current = o.goal && currentPlan(o.goal, o.plans);
  if (current !== undefined && current.metadata.uid !== amends.plan.uid)
    return `Plan ${current.metadata.name} stands for the goal now`;
  const over = overBecause(amends, o.amended);
  if (over !== undefined) return over;
  const open = o.amended?.status?.diagnosis?.some(
    ({ code, resolvedAt }) => code === amends.finding && resolvedAt === undefined,
  );
  return open === true ? undefined : `${amends.finding} of job ${amends.job.name} went away`;
}

/** Why people need not be asked about an amendment, now that it has a price. */
export function uselessBecause({ finding }: Amends, quote: Quote, changes: readonly Change[]): string | undefined {
  if (changes.every(({ tile }) => tile === 'Budget')) return 'The planner comes to the same plan with it';
  // Whoever runs out of money gains nothing by another plan with the same end.
  return finding === 'BudgetTooFast' && !quote.fits ? 'With it the rest does not fit what is left either' : undefined;
}

/** Why the job to be replaced is no longer there to be replaced. */
export function overBecause(amends: Amends, amended: TrainingJob | undefined): string | undefined {
  return amended === undefined ? `Job ${amends.job.name} does not exist any more` : endOf(amended);
}

/** What this job and all others on the same budget spent: those it continues, and those that are on record. */
function spentInAll({ status, spec }: TrainingJob, beside: MicroUsd, now: number): MicroUsd {
  const earlier = maxMoney(parseMoney(spec.continues?.spent ?? '0'), beside);
  return addMoney(earlier, spendNow(status ?? {}, now).total);
}

/**
 * What the job of an approved amendment takes over, once the one before has recorded that it gave way and nothing of
 * it runs: only then is what it spent final. Undefined until then.
 */
export function handover(
  amends: Amends,
  amended: TrainingJob,
  start: Start | undefined,
  beside: MicroUsd,
  now: number,
): TrainingJob['spec']['continues'] {
  const { status, metadata } = amended;
  const gone = (status?.attempts ?? []).every(({ state }) => state === 'Gone');
  if (!gone || findCondition(status?.conditions, 'Ready')?.reason !== 'Superseded') return undefined;
  const checkpoint = takenOver(amended, start);
  return {
    job: { name: metadata.name, uid: metadata.uid },
    agreed: amends.spent,
    spent: formatMoney(spentInAll(amended, beside, now)),
    ...(checkpoint && { checkpoint }),
  };
}

/**
 * Whether the job before spent more than the new one was told: it went on while the approval did not count for a
 * while. The new one must not begin then, for its limit is too high.
 */
export function ranOn(job: TrainingJob, amended: TrainingJob | undefined, beside: MicroUsd, now: number): boolean {
  const { continues } = job.spec;
  if (continues === undefined || amended === undefined) return false;
  return spentInAll(amended, beside, now) > parseMoney(continues.spent);
}

/** What people must know before they approve an amendment: what it ends, where it goes on, and what that costs. */
export function termsOf({ text, finding, job, spent }: Amends, { limit }: Quote, start: Start | undefined): string {
  return [
    `${text} (${finding} of job ${job.name}).`,
    `Approving it ends that job with a checkpoint and ${goesOn(start, formatUsd(parseMoney(spent)))}`,
    `Both are paid from one budget; ${formatUsd(parseMoney(limit))} were left of it.`,
  ].join(' ');
}

function goesOn(start: Start | undefined, spent: string): string {
  if (start?.from === 'Checkpoint') {
    const until = start.soundUntil === undefined ? 'or later' : `or later, up to step ${start.soundUntil}`;
    return `goes on from step ${start.step} ${until}, of ${start.lastStep} (${start.reason}): the price is for the rest. The job that runs spends on until then; ${spent} were spent when this was proposed.`;
  }
  const why = start === undefined ? '' : `, because ${start.reason}`;
  return `starts over from step 0${why}: the ${spent} spent when this was proposed buy nothing more, and it spends on until then.`;
}

/** Whether an amendment would cost no more than letting the present job go on, by its own forecast. */
export function costsNoMore(amended: TrainingJob | undefined, quote: Quote, now: number): boolean {
  if (amended?.status?.cost === undefined) return false;
  const planned = amended.status.cost.forecast ?? amended.spec.run.quote.total.expected;
  const rest = subtractMoney(parseMoney(planned), spendNow(amended.status, now).total);
  return parseMoney(quote.total.expected) <= rest;
}
