import type { TrainingGoal, TrainingJob, TrainingPlan, TrainingReceipt } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { type GoalReading, readGoal } from '../intent/parse.ts';
import type { IntentParser } from '../intent/parsers.ts';
import { patchStatusIfChanged } from '../runtime/apply.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReconcileContext, ReconcileResult, Reconciler } from '../runtime/controller.ts';
import { isAlreadyExists } from '../runtime/errors.ts';
import type { EventRecorder } from '../runtime/events.ts';
import { isBeingDeleted } from '../runtime/finalizers.ts';
import type { Cache } from '../runtime/informer.ts';
import type { ResourceClient } from '../runtime/resource.ts';
import type { ObjectKey, Unstored } from '../runtime/types.ts';
import { decideGoal, type GoalDecision } from './decide.ts';
import { ReadingMemory } from './memory.ts';
import { ofGoal } from './of-goal.ts';
import { Pace } from './pace.ts';
import { readingNotes } from './reading.ts';

export interface GoalDependencies {
  readonly client: ResourceClient<TrainingGoal>;
  readonly planClient: ResourceClient<TrainingPlan>;
  readonly goals: Cache<TrainingGoal>;
  readonly plans: Cache<TrainingPlan>;
  readonly jobs: Cache<TrainingJob>;
  readonly receipts: Cache<TrainingReceipt>;
  readonly catalog: Catalog;
  /** Asked in order; the embedded one comes last. */
  readonly parsers: readonly IntentParser[];
  /** Reads a goal; another one may remember what it read. @default readGoal */
  readonly read?: typeof readGoal;
  readonly events: EventRecorder;
  readonly clock: Clock;
}

/** Turns a goal into a plan and shows on the goal what became of it. */
export class GoalReconciler implements Reconciler {
  readonly #deps: GoalDependencies;
  readonly #memory: ReadingMemory;
  readonly #pace = new Pace();

  constructor(deps: GoalDependencies) {
    this.#deps = deps;
    this.#memory = new ReadingMemory(deps.clock);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const goal = this.#deps.goals.get(key);
    if (goal === undefined || isBeingDeleted(goal)) return {};
    const decision = await this.#decide(goal, context);
    const waitMs = this.#pace.waitMs(goal, decision.status, this.#deps.clock.now());
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    // The answer is stored before anything is made of it: whatever happens in between, the text is not read twice.
    const written = await patchStatusIfChanged(this.#deps.client, goal, decision.status, { signal: context.signal });
    if (written !== goal) this.#pace.wrote(goal, this.#deps.clock.now());
    if (decision.action?.type === 'CreatePlan') await this.#createPlan(decision.action.plan);
    this.#tell(goal, decision);
    return {};
  }

  async #decide(goal: TrainingGoal, context: ReconcileContext): Promise<GoalDecision> {
    const { plans, jobs, receipts, catalog, clock } = this.#deps;
    const { namespace, uid } = goal.metadata;
    const observed = {
      now: clock.now(),
      goal,
      plans: ofGoal(plans, namespace, uid),
      jobs: ofGoal(jobs, namespace, uid),
      receipts: ofGoal(receipts, namespace, uid),
      prices: catalog.claudePrices,
    };
    const decision = decideGoal(observed);
    if (decision.action?.type !== 'ReadGoal') {
      this.#memory.forget(goal);
      return decision;
    }
    return decideGoal({ ...observed, reading: this.#memory.recall(goal) ?? (await this.#read(goal, context)) });
  }

  async #read(goal: TrainingGoal, { log, signal }: ReconcileContext): Promise<GoalReading> {
    const { catalog, parsers, events, clock, read: readWith = readGoal } = this.#deps;
    const generation = goal.metadata.generation ?? 0;
    const stored = goal.status?.intent?.draft;
    // A date counts as past by the day the goal was written: one that passes later turns no goal into a question.
    const { creationTimestamp: written } = goal.metadata;
    const now = written === undefined ? undefined : Date.parse(written);
    const read = await readWith({ goal: goal.spec, generation, catalog, parsers, stored, now, signal });
    const reading = { ...read, readAt: clock.now() };
    this.#memory.keep(goal, reading);
    if (reading.failures.length > 0) {
      log.warn({ failures: reading.failures }, 'a parser could not read the goal; the embedded one did');
    }
    for (const { reason, note } of readingNotes(reading)) events.event(goal, { type: 'Warning', reason, note });
    return reading;
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
