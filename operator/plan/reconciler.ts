import type {
  ComputeProvider,
  TrainingGoal,
  TrainingJob,
  TrainingPlan,
  TrainingPolicy,
  TrainingReceipt,
} from '@kriptik/crds';
import type { SpendRecords } from '../budget/receipts.ts';
import { ofGoal } from '../goal/of-goal.ts';
import type { Hub } from '../hub/client.ts';
import type { MicroUsd } from '../money.ts';
import type { EffectivePolicy } from '../planner/types.ts';
import type { Market } from '../provider/offers.ts';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../runtime/controller.ts';
import { isAlreadyExists } from '../runtime/errors.ts';
import type { EventRecorder } from '../runtime/events.ts';
import { isBeingDeleted } from '../runtime/finalizers.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { KubeObject, ObjectKey, Unstored } from '../runtime/types.ts';
import { contractLeft, stillEnding, takenBefore } from './budget-left.ts';
import type { DataFactsSource } from './data-facts.ts';
import { decidePlan } from './decide.ts';
import { monthRoom } from './month.ts';
import { type Priced, priceWithHub, verification } from './price.ts';
import { priceAmendment } from './price-amendment.ts';
import { policyFor } from './propose.ts';
import type { PlanDecision } from './types.ts';

export interface PlanDependencies {
  readonly client: ResourceClient<TrainingPlan>;
  readonly jobClient: ResourceClient<TrainingJob>;
  readonly plans: Cache<TrainingPlan>;
  readonly goals: Cache<TrainingGoal>;
  readonly jobs: Cache<TrainingJob>;
  readonly receipts: Cache<TrainingReceipt>;
  readonly policies: Cache<TrainingPolicy>;
  readonly providers: Cache<ComputeProvider>;
  readonly namespaces: Cache<KubeObject>;
  readonly market: Market;
  /** Looks into the files of this machine. */
  readonly facts: DataFactsSource;
  readonly hub: Hub;
  readonly operatorUser: string;
  /** Prices a plan; another one may remember what it worked out. @default priceWithHub */
  readonly price?: typeof priceWithHub;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/** Data that is missing may appear: look again after this long, in ms. */
const DATA_RETRY_MS = 15_000;
/** What a run that still ends leaves of the budget is looked at again after this long, in ms. */
const ENDING_RETRY_MS = 15_000;
/** Facts that the Hub could not confirm are asked for again after this long, in ms. */
const HUB_RETRY_MS = 300_000;
/** Jobs end and months begin: a plan that a month has no room for is looked at again after this long, in ms. */
const MONTH_RETRY_MS = 300_000;

/** Prices a plan until it is decided, then makes its job. */
export class PlanReconciler implements Reconciler {
  readonly #deps: PlanDependencies;

  constructor(deps: PlanDependencies) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const plan = this.#deps.plans.get(key);
    if (plan === undefined || isBeingDeleted(plan)) return {};
    const { goals, plans, jobs, receipts, policies, namespaces, operatorUser, clock } = this.#deps;
    const namespace = plan.metadata.namespace;
    const labels = namespaces.get({ name: namespace })?.metadata.labels ?? {};
    const policy = policyFor(policies.list(), labels);
    const { uid } = plan.spec.goalRef;
    const records = { jobs: ofGoal(jobs, namespace, uid), receipts: ofGoal(receipts, namespace, uid) };
    const monthlyRemaining = this.#monthlyRemaining(plan, policy);
    const approved = plan.status?.approval?.decision === 'Approved';
    const priced = approved ? undefined : await this.#price(plan, policy, records, monthlyRemaining);
    const proposal = priced?.result;
    const observed = {
      now: clock.now(),
      plan,
      goal: goals.get({ namespace, name: plan.spec.goalRef.name }),
      plans: ofGoal(plans, namespace, uid),
      job: jobs.get({ namespace, name: plan.metadata.name }),
      amended: this.#amended(plan),
      records,
      proposal,
      facts: priced && verification(priced, this.#deps.market.catalog),
      policy,
      monthlyRemaining,
      operatorUser,
    };
    const decision = decidePlan(observed);
    const { action } = decision;
    const { jobClient, client } = this.#deps;
    const job = action?.type === 'CreateJob' ? await once(() => jobClient.create(action.job)) : undefined;
    if (action?.type === 'ProposeAmendment') await this.#propose(plan, action.plan);
    // The one job that the approval pays for is named in the same write that tells of it.
    const { status } = job === undefined ? decision : decidePlan({ ...observed, job });
    await patchStatusIfChanged(client, plan, status, { signal: context.signal });
    this.#tell(plan, decision);
    const waitsForData = proposal !== undefined && 'blocked' in proposal && plan.spec.contract.data.length > 0;
    if (waitsForData) return { requeueAfterMs: DATA_RETRY_MS };
    if (!approved && stillEnding(plan, records) !== undefined) return { requeueAfterMs: ENDING_RETRY_MS };
    if (priced !== undefined && priced.unverified.length > 0) return { requeueAfterMs: HUB_RETRY_MS };
    const waitsForMonth = approved && monthlyRemaining !== undefined && decision.status.phase === 'Blocked';
    return waitsForMonth ? { requeueAfterMs: MONTH_RETRY_MS } : {};
  }

  /** What the month's ceiling leaves for this plan. Of plans that wait for their jobs, only those approved before it count. */
  #monthlyRemaining(plan: TrainingPlan, { ceilings }: EffectivePolicy): MicroUsd | undefined {
    const ceiling = ceilings.perNamespacePerMonth;
    if (ceiling === undefined) return undefined;
    const { namespace } = plan.metadata;
    const plans = this.#deps.plans.list({ namespace }).filter((other) => goesBefore(other, plan));
    const records = { jobs: this.#deps.jobs.list({ namespace }), receipts: this.#deps.receipts.list({ namespace }) };
    const replaces = plan.spec.amends?.job.uid;
    return monthRoom({ ceiling, ...records, plans, replaces, now: this.#deps.clock.now() }).left;
  }

  /** Undefined where runs before left nothing of the budget to plan with, or it is not known yet what they leave. */
  async #price(
    plan: TrainingPlan,
    policy: EffectivePolicy,
    records: SpendRecords,
    monthlyRemaining: MicroUsd | undefined,
  ): Promise<Priced | undefined> {
    if (stillEnding(plan, records) !== undefined) return undefined;
    const contract = contractLeft(plan.spec.contract, takenBefore(plan, records, this.#deps.clock.now()));
    if (contract === undefined) return undefined;
    const { market, facts, hub, clock, price = priceWithHub } = this.#deps;
    const amended = this.#amendedPlan(plan);
    const providers = this.#deps.providers.list();
    // Only where trainers run on this very machine do its files mean anything.
    const here = providers.some((provider) => provider.spec.type === 'local');
    const input = {
      plan: { ...plan, spec: { ...plan.spec, contract } },
      market,
      providers,
      policy,
      monthlyRemaining,
      sources: here ? [facts] : [],
      hub,
      pin: true,
      before: plan.status?.resolved ?? amended?.status?.resolved,
      now: clock.now(),
    };
    const job = this.#amended(plan);
    const present = amended?.status?.resolved;
    if (job === undefined || present === undefined) return await price(input);
    return await priceAmendment(input, { job, present, told: plan.status?.resolved?.start }, price);
  }

  async #propose(plan: TrainingPlan, amendment: Unstored<TrainingPlan>): Promise<void> {
    if ((await once(() => this.#deps.client.create(amendment))) === undefined) return;
    const { name } = amendment.metadata;
    const { text = '', finding = '' } = amendment.spec.amends ?? {};
    const note = `${text}, because of ${finding}: plan ${name} waits for a decision (kriptik approve ${name})`;
    this.#deps.events.event(plan, { type: 'Normal', reason: 'AmendmentProposed', note });
  }

  /** The plan that an amendment amends: commits it names stay. */
  #amendedPlan({ spec, metadata }: TrainingPlan): TrainingPlan | undefined {
    const { amends } = spec;
    return amends && this.#deps.plans.get({ namespace: metadata.namespace, name: amends.plan.name });
  }

  /** The job that an amendment would replace. */
  #amended({ spec, metadata }: TrainingPlan): TrainingJob | undefined {
    if (spec.amends === undefined) return undefined;
    const job = this.#deps.jobs.get({ namespace: metadata.namespace, name: spec.amends.job.name });
    return job?.metadata.uid === spec.amends.job.uid ? job : undefined;
  }

  #tell(plan: TrainingPlan, { status }: PlanDecision): void {
    if (status.phase === plan.status?.phase && status.digest === plan.status?.digest) return;
    const note = status.conditions?.find((condition) => condition.type === 'Ready')?.message ?? '';
    const bad = status.phase === 'Blocked' || status.phase === 'Denied';
    this.#deps.events.event(plan, { type: bad ? 'Warning' : 'Normal', reason: status.phase ?? 'Pricing', note });
  }
}

/** What was made; undefined where it exists already: names follow from what things are made for, so that is the very one. */
async function once<T>(create: () => Promise<T>): Promise<T | undefined> {
  try {
    return await create();
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return undefined;
  }
}

/** Two plans approved at once may not fit a month together: the first one, by time and then by name, goes first. */
function goesBefore(other: TrainingPlan, plan: TrainingPlan): boolean {
  if (other.metadata.uid === plan.metadata.uid) return false;
  const at = plan.status?.approval?.at;
  const before = other.status?.approval?.at;
  if (at === undefined || plan.status?.approval?.decision !== 'Approved' || before === undefined) return true;
  return before === at ? other.metadata.name < plan.metadata.name : before < at;
}
