import {
  annotations,
  type Condition,
  type TrainingGoal,
  type TrainingGoalStatus,
  type TrainingJob,
  type TrainingPlan,
  type TrainingReceipt,
} from '@kriptik/crds';
import { spentBeside } from '../budget/receipts.ts';
import { inputHash } from '../intent/hash.ts';
import type { GoalReading } from '../intent/parse.ts';
import type { TokenPrice } from '../intent/usage.ts';
import { addMoney, formatMoney, type MicroUsd, maxMoney, minMoney, parseMoney, zeroMoney } from '../money.ts';
import { findCondition, setCondition } from '../runtime/conditions.ts';
import type { Unstored } from '../runtime/types.ts';
import { currentPlan, earlierRuns, effectiveBudget } from './current.ts';
import { planFor } from './desired.ts';
import { intentOf, readingConditions } from './reading.ts';

export interface GoalObserved {
  readonly now: number;
  readonly goal: TrainingGoal;
  readonly plans: readonly TrainingPlan[];
  /** Jobs of the goal. */
  readonly jobs: readonly TrainingJob[];
  /** Of jobs of the goal that were deleted. */
  readonly receipts: readonly TrainingReceipt[];
  /** What was read out of the text; absent until somebody asked for it. */
  readonly reading?: GoalReading | undefined;
  /** List prices of reading a text, with their date. */
  readonly prices: { readonly asOf: string; readonly models: readonly TokenPrice[] };
}

export interface GoalDecision {
  readonly status: TrainingGoalStatus;
  readonly action?:
    | { readonly type: 'ReadGoal' }
    | { readonly type: 'CreatePlan'; readonly plan: Unstored<TrainingPlan> };
}

interface Standing {
  readonly phase: NonNullable<TrainingGoalStatus['phase']>;
  readonly ready: boolean;
  readonly message: string;
}

/** What to do about a goal. Pure; the text is read by the caller, only when this asks for it. */
export function decideGoal(o: GoalObserved): GoalDecision {
  const plan = currentPlan(o.goal, o.plans);
  if (plan !== undefined) return { status: statusWith(o, standingOf(o, plan), plan) };
  const hash = inputHash(o.goal.spec);
  const known = o.goal.status?.intent;
  if (o.reading === undefined) {
    if (known !== undefined && known.inputHash === hash && known.outcome !== 'Planned')
      return { status: statusWith(o, answered(known)) };
    return { status: statusWith(o, planning()), action: { type: 'ReadGoal' } };
  }
  const intent = intentOf(o.reading, { before: known, prices: o.prices, now: o.now });
  if (o.reading.outcome === 'Planned') {
    const created = planFor(o.goal, o.reading.contract);
    return {
      status: statusWith(o, planning(), undefined, intent),
      action: { type: 'CreatePlan', plan: created },
    };
  }
  return { status: statusWith(o, answered(intent), undefined, intent) };
}

type Intent = NonNullable<TrainingGoalStatus['intent']>;

function planning(): Standing {
  return { phase: 'Planning', ready: false, message: 'Working out a plan' };
}

function answered(intent: Intent): Standing {
  if (intent.outcome === 'Refused') {
    return {
      phase: 'Refused',
      ready: false,
      message: `${intent.reason ?? 'This goal is not allowed'}; change spec.goal`,
    };
  }
  const questions = (intent.questions ?? []).map((one) => `${one.field}: ${one.question}`).join(' ');
  return { phase: 'NeedsClarification', ready: false, message: `Please answer by editing the goal. ${questions}` };
}

/** Where the goal stands, from its plan and its job; reads their conditions, never their phase. */
function standingOf(o: GoalObserved, plan: TrainingPlan): Standing {
  const name = plan.metadata.name;
  const job = jobOf(o, plan);
  if (job !== undefined) return jobStanding(job);
  const approval = plan.status?.approval;
  if (approval?.decision === 'Denied') {
    return {
      phase: 'Denied',
      ready: false,
      message: `Plan ${name} was denied${approval.reason ? `: ${approval.reason}` : ''}; change the goal for another plan`,
    };
  }
  const ready = findCondition(plan.status?.conditions, 'Ready');
  if (approval?.decision === 'Approved' && plan.status?.jobRef !== undefined && ready?.status === 'False')
    return { phase: 'Failed', ready: false, message: `Plan ${name}: ${ready.message}` };
  if (approval?.decision === 'Approved')
    return { phase: 'Training', ready: false, message: `Plan ${name} is approved; the job starts` };
  const priced = findCondition(plan.status?.conditions, 'Priced');
  if (priced?.status === 'False') return { phase: 'Planning', ready: false, message: priced.message };
  if (plan.status?.digest === undefined) return planning();
  return {
    phase: 'AwaitingApproval',
    ready: false,
    message: `Plan ${name} awaits approval: kriptik approve ${o.goal.metadata.name}`,
  };
}

const JOB_PHASES = [
  ['Succeeded', 'Succeeded'],
  ['Failed', 'Failed'],
  ['Frozen', 'Frozen'],
  ['Paused', 'Paused'],
  ['Terminated', 'Terminated'],
] as const satisfies readonly (readonly [string, Standing['phase']])[];

function jobStanding(job: TrainingJob): Standing {
  const conditions: readonly Condition[] = job.status?.conditions ?? [];
  for (const [type, phase] of JOB_PHASES) {
    const condition = findCondition(conditions, type);
    if (condition?.status === 'True') return { phase, ready: phase === 'Succeeded', message: condition.message };
  }
  return { phase: 'Training', ready: false, message: findCondition(conditions, 'Ready')?.message ?? 'The job starts' };
}

function jobOf(o: GoalObserved, plan: TrainingPlan): TrainingJob | undefined {
  return o.jobs.find((job) => job.spec.planRef.uid === plan.metadata.uid);
}

function statusWith(o: GoalObserved, standing: Standing, plan?: TrainingPlan, intent?: Intent): TrainingGoalStatus {
  const before = o.goal.status ?? {};
  const job = plan === undefined ? undefined : jobOf(o, plan);
  const generation = o.goal.metadata.generation ?? 0;
  const read =
    o.reading === undefined ? before.conditions : readingConditions(o.reading, before.conditions, generation, o.now);
  const conditions = setCondition(
    read ?? [],
    {
      type: 'Ready',
      status: standing.ready ? 'True' : 'False',
      reason: standing.phase,
      message: standing.message,
      observedGeneration: generation,
    },
    new Date(o.now),
  );
  const { planRef: _plan, jobRef: _job, budget: _budget, intent: known, ...kept } = before;
  const shown = intent ?? known;
  return {
    ...kept,
    observedGeneration: generation,
    conditions,
    phase: standing.phase,
    ...(shown && { intent: shown }),
    ...(plan && { planRef: { name: plan.metadata.name, uid: plan.metadata.uid }, budget: budgetOf(o, plan, job) }),
    ...(job && { jobRef: { name: job.metadata.name, uid: job.metadata.uid } }),
  };
}

/** Spending as whole percents: the goal is not rewritten with every cent of its job. */
function budgetOf(
  o: GoalObserved,
  plan: TrainingPlan,
  job: TrainingJob | undefined,
): NonNullable<TrainingGoalStatus['budget']> {
  const { source } = plan.spec.contract.budget;
  const family = { goalUid: o.goal.metadata.uid, work: plan.spec.contract.inputHash };
  const others = spentBeside(family, [job?.metadata.uid], o, o.now);
  const { continues } = job?.spec ?? {};
  const agreed = parseMoney(continues?.agreed ?? plan.spec.amends?.spent ?? '0');
  const runs = earlierRuns(continues, others);
  const earlier = maxMoney(runs?.spent ?? zeroMoney, continues === undefined ? agreed : zeroMoney);
  const { limit: stated } = effectiveBudget(o.goal, {
    planName: plan.metadata.name,
    contract: plan.spec.contract,
    quote: plan.status?.quote,
    statedLimit: plan.metadata.annotations?.[annotations.statedLimit],
    earlier: earlier === zeroMoney && continues === undefined ? undefined : { agreed, spent: earlier },
  });
  // The goal's budget is for all of its runs.
  const inAll = (amount: MicroUsd, before: MicroUsd): string => formatMoney(addMoney(amount, before));
  const cost = job?.status?.cost;
  if (cost === undefined) {
    const limit = inAll(parseMoney(stated), earlier);
    const told = { spent: formatMoney(earlier), percentUsed: percentOf(earlier, parseMoney(limit)) };
    return { limit, source, ...(earlier > zeroMoney && told) };
  }
  // A policy's ceiling may hold the job below what the goal says.
  const limit = inAll(minMoney(parseMoney(cost.limit), parseMoney(stated)), earlier);
  const before = o.goal.status?.budget;
  const running = job?.status?.attempts?.some((attempt) => attempt.state !== 'Gone') === true;
  const spent = addMoney(parseMoney(cost.spent), earlier);
  const percent = earlier === 0 ? cost.percentUsed : percentOf(spent, parseMoney(limit));
  const same = running && before?.limit === limit && before.percentUsed === percent;
  return {
    limit,
    source,
    spent: same && before.spent !== undefined ? before.spent : formatMoney(spent),
    percentUsed: percent,
  };
}

/** Whole percents, rounded down. */
function percentOf(part: MicroUsd, whole: MicroUsd): number {
  return whole <= 0 ? 100 : Math.min(1_000_000, Math.floor((part * 100) / whole));
}
