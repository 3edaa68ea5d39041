import {
  API_VERSION,
  type Approval,
  type Attempt,
  type ComputeProvider,
  type ComputeProviderSpec,
  finalizers,
  type TrainingGoal,
  type TrainingGoalSpec,
  type TrainingJob,
  type TrainingJobStatus,
  type TrainingPlan,
  type TrainingPlanStatus,
  type TrainingPolicy,
  type TrainingPolicySpec,
  type TrainingReceipt,
} from '@kriptik/crds';
import { receiptOf } from '@kriptik/operator/budget/receipts.ts';
import { planDigest } from '@kriptik/operator/digest.ts';
import { planNameFor } from '@kriptik/operator/goal/current.ts';
import { workHash } from '@kriptik/operator/intent/hash.ts';
import { contract, quote, resolved, tiles } from '../integration/crds/valid-plan.ts';

/** The moment at which objects were made; tests count from here. */
export const START = Date.parse('2026-11-22T10:00:00Z');

/** RFC 3339 of so many seconds after {@link START}. */
export const time = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

const NAMESPACE = 'team';

/** An object under construction. Each step gives a changed one and leaves this as it was; `obj` is a copy to keep. */
class Builder<T extends { metadata: object }> {
  protected object: T;

  constructor(object: T) {
    this.object = object;
  }

  protected with(change: Partial<T>): this {
    const next = Object.create(Object.getPrototypeOf(this)) as this;
    next.object = { ...this.object, ...change };
    return next;
  }

  meta(change: Partial<T['metadata']>): this {
    return this.with({ metadata: { ...this.object.metadata, ...change } } as Partial<T>);
  }

  deleted(): this {
    return this.meta({ deletionTimestamp: time(0) } as unknown as Partial<T['metadata']>);
  }

  obj(): T {
    return structuredClone(this.object);
  }
}

class GoalBuilder extends Builder<TrainingGoal> {
  spec(change: Partial<TrainingGoalSpec>): this {
    const generation = this.object.metadata.generation + 1;
    return this.with({ spec: { ...this.object.spec, ...change } }).meta({ generation });
  }

  text(goal: string): this {
    return this.spec({ goal });
  }

  limit(limit: string): this {
    return this.spec({ budget: { limit, currency: 'USD', alertAt: 80, warnAt: 95 } });
  }

  status(status: NonNullable<TrainingGoal['status']>): this {
    return this.with({ status });
  }
}

/** A goal of $5 for which nothing happened yet. */
export function makeGoal(name = 'faq'): GoalBuilder {
  const spec: TrainingGoalSpec = {
    goal: 'Answer like our help desk.',
    budget: { limit: '5.00', currency: 'USD', alertAt: 80, warnAt: 95 },
    data: [{ uri: 'file:///data/faq.jsonl' }],
  };
  const metadata = { name, namespace: NAMESPACE, uid: `uid-${name}`, generation: 1, resourceVersion: '1' };
  return new GoalBuilder({ apiVersion: API_VERSION, kind: 'TrainingGoal', metadata, spec });
}

class PlanBuilder extends Builder<TrainingPlan> {
  status(change: TrainingPlanStatus): this {
    return this.with({ status: { ...this.object.status, ...change } });
  }

  /** Text or field that set the limit, and the limit. */
  budget(limit: string, source: 'spec' | 'text'): this {
    const { contract: made } = this.object.spec;
    return this.with({
      spec: { ...this.object.spec, contract: { ...made, budget: { ...made.budget, limit, source } } },
    });
  }

  priced(): this {
    const digest = planDigest({ contract: this.object.spec.contract, resolved, quote });
    return this.status({ tiles, resolved, quote, digest });
  }

  decided(decision: Approval['decision'], change: Partial<Approval> = {}): this {
    const priced = this.priced();
    const digest = priced.object.status?.digest ?? '';
    return priced.status({ approval: { decision, digest, user: 'alice', at: time(0), via: 'status', ...change } });
  }

  approved(): this {
    return this.decided('Approved');
  }
}

/** The plan of a goal as it is written now, not priced yet. */
export function makePlan(goal: TrainingGoal = makeGoal().obj()): PlanBuilder {
  const name = planNameFor(goal);
  const made = {
    ...contract,
    goalText: goal.spec.goal,
    inputHash: workHash(goal.spec),
    goalGeneration: goal.metadata.generation,
    budget: { ...contract.budget, limit: goal.spec.budget?.limit ?? contract.budget.limit },
  };
  const metadata = { name, namespace: NAMESPACE, uid: `uid-${name}`, generation: 1, resourceVersion: '1' };
  const goalRef = { name: goal.metadata.name, uid: goal.metadata.uid };
  return new PlanBuilder({
    apiVersion: API_VERSION,
    kind: 'TrainingPlan',
    metadata,
    spec: { goalRef, contract: made },
  });
}

/** A lower learning rate, proposed for the job of a plan when $2 of its $5 were spent. */
export function makeAmendment(plan: TrainingPlan, job: TrainingJob = makeJob(plan).obj()): PlanBuilder {
  const { goalRef, contract: made } = plan.spec;
  const name = `${goalRef.name}-00a3e4d5`;
  return new PlanBuilder({
    apiVersion: API_VERSION,
    kind: 'TrainingPlan',
    metadata: { ...plan.metadata, name, uid: `uid-${name}` },
    spec: {
      goalRef,
      contract: {
        ...made,
        budget: { ...made.budget, limit: '3.00' },
        constraints: { ...made.constraints, learningRate: '0.0001' },
      },
      amends: {
        plan: { name: plan.metadata.name, uid: plan.metadata.uid },
        job: { name: job.metadata.name, uid: job.metadata.uid },
        finding: 'LossDiverging',
        change: 'hyperparameters.learningRate=0.0001',
        text: 'Halve the learning rate',
        spent: '2.00',
      },
    },
  });
}

class JobBuilder extends Builder<TrainingJob> {
  status(change: TrainingJobStatus): this {
    return this.with({ status: { ...this.object.status, ...change } });
  }

  replicas(replicas: number): this {
    const generation = this.object.metadata.generation + 1;
    return this.with({ spec: { ...this.object.spec, replicas } }).meta({ generation });
  }

  /** Adds an attempt; it began `number` minutes after {@link START} unless told otherwise. */
  attempt(state: Attempt['state'], change: Partial<Attempt> = {}): this {
    const attempts = this.object.status?.attempts ?? [];
    const number = attempts.length + 1;
    const attempt: Attempt = {
      number,
      name: `kriptik-0e5a1c3e-${number}`,
      provider: 'here',
      unitPricePerHour: '6.00',
      createdAt: time(number * 60),
      state,
      resumedFromStep: 0,
      ...(state === 'Creating' ? {} : { startedAt: time(number * 60) }),
      ...(state === 'Gone' ? { goneAt: time(number * 60 + 50) } : {}),
      ...change,
    };
    return this.status({ attempts: [...attempts, attempt] });
  }
}

/** The job of an approved plan, with its finalizer, before its first attempt. */
export function makeJob(plan: TrainingPlan = makePlan().approved().obj()): JobBuilder {
  const { name } = plan.metadata;
  const metadata = {
    name,
    namespace: NAMESPACE,
    uid: '0e5a1c3e-8f3e-4d2c-9a53-0a5f7f4e7f33',
    generation: 1,
    resourceVersion: '1',
    finalizers: [finalizers.instances],
  };
  const run = { contract: plan.spec.contract, resolved, quote };
  const planRef = { name, uid: plan.metadata.uid, digest: planDigest(run) };
  const spec = { goalRef: plan.spec.goalRef, planRef, run, replicas: 1 };
  return new JobBuilder({ apiVersion: API_VERSION, kind: 'TrainingJob', metadata, spec });
}

class ProviderBuilder extends Builder<ComputeProvider> {
  spec(change: Partial<ComputeProviderSpec>): this {
    return this.with({ spec: { ...this.object.spec, ...change } });
  }

  ready(status: 'True' | 'False' = 'True', reason = 'Ready', message = ''): this {
    const condition = { type: 'Ready', status, reason, message, lastTransitionTime: time(0), observedGeneration: 1 };
    return this.with({ status: { ...this.object.status, conditions: [condition] } });
  }
}

/** This machine at $6 an hour, not probed yet. */
export function makeProvider(name = 'here'): ProviderBuilder {
  const metadata = { name, uid: `uid-${name}`, generation: 1, resourceVersion: '1' };
  const spec: ComputeProviderSpec = { type: 'local', local: { gpu: 'cpu', pricePerHour: '6.00' } };
  return new ProviderBuilder({ apiVersion: API_VERSION, kind: 'ComputeProvider', metadata, spec });
}

class PolicyBuilder extends Builder<TrainingPolicy> {}

/** A policy of all namespaces. */
export function makePolicy(spec: TrainingPolicySpec = {}, name = 'all'): PolicyBuilder {
  const metadata = { name, uid: `uid-${name}`, generation: 1, resourceVersion: '1' };
  return new PolicyBuilder({ apiVersion: API_VERSION, kind: 'TrainingPolicy', metadata, spec });
}

/** What a job left that was deleted at `now` (epoch ms). */
export function makeReceipt(job: TrainingJob, now: number): TrainingReceipt {
  const receipt = receiptOf(job, now);
  const { uid } = job.metadata;
  return { ...receipt, metadata: { ...receipt.metadata, uid: `receipt-${uid}`, generation: 1 } };
}
