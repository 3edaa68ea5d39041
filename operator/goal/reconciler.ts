import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { readGoal } from '../intent/parse.ts';
import type { IntentParser } from '../intent/types.ts';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReconcileContext, Reconciler } from '../runtime/controller.ts';
import { isAlreadyExists } from '../runtime/errors.ts';
import type { EventRecorder } from '../runtime/events.ts';
import { isBeingDeleted } from '../runtime/finalizers.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { ObjectKey, Unstored } from '../runtime/types.ts';
import { decideGoal, type GoalDecision } from './decide.ts';

export interface GoalDependencies {
  readonly client: ResourceClient<TrainingGoal>;
  readonly planClient: ResourceClient<TrainingPlan>;
  readonly goals: Cache<TrainingGoal>;
  readonly plans: Cache<TrainingPlan>;
  readonly jobs: Cache<TrainingJob>;
  readonly catalog: Catalog;
  /** Asked in order; the embedded one comes last. */
  readonly parsers: readonly IntentParser[];
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/** Turns a goal into a plan and shows on the goal what became of it. */
export class GoalReconciler implements Reconciler {
  readonly #deps: GoalDependencies;

  constructor(deps: GoalDependencies) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<void> {
    const goal = this.#deps.goals.get(key);
    if (goal === undefined || isBeingDeleted(goal)) return;
    const decision = await this.#decide(goal, context);
    if (decision.action?.type === 'CreatePlan') await this.#createPlan(decision.action.plan);
    await patchStatusIfChanged(this.#deps.client, goal, decision.status, { signal: context.signal });
    this.#tell(goal, decision);
  }

  async #decide(goal: TrainingGoal, context: ReconcileContext): Promise<GoalDecision> {
    const { plans, jobs, catalog, parsers, clock } = this.#deps;
    const { namespace } = goal.metadata;
    const observed = { now: clock.now(), goal, plans: plans.list({ namespace }), jobs: jobs.list({ namespace }) };
    const decision = decideGoal(observed);
    if (decision.action?.type !== 'ReadGoal') return decision;
    const generation = goal.metadata.generation ?? 0;
    const reading = await readGoal({ goal: goal.spec, generation, catalog, parsers, signal: context.signal });
    if (reading.failures.length > 0) {
      context.log.warn({ failures: reading.failures }, 'a parser could not read the goal; the embedded one did');
    }
    return decideGoal({ ...observed, reading });
  }

  /** The name follows from the goal, so a plan that exists already is the very one. */
  async #createPlan(plan: Unstored<TrainingPlan>): Promise<void> {
    try {
      await this.#deps.planClient.create(plan);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  #tell(goal: TrainingGoal, { status }: GoalDecision): void {
    if (status.phase === goal.status?.phase) return;
    const bad = ['NeedsClarification', 'Refused', 'Denied', 'Failed', 'Frozen'].includes(status.phase ?? '');
    const note = status.conditions?.find((condition) => condition.type === 'Ready')?.message ?? '';
    this.#deps.events.event(goal, { type: bad ? 'Warning' : 'Normal', reason: status.phase ?? 'Planning', note });
  }
}
