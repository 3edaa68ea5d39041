import type { TrainingGoalSpec } from '@kriptik/crds';
import { hashOf, rememberedFor } from '../digest.ts';

/**
 * Hash of everything a plan is made from: text, budget, constraints, data and
 * output. A change calls for a new plan as long as nothing was approved.
 */
export function inputHash(spec: TrainingGoalSpec): string {
  return rememberedFor(spec, 'input', () => hashOf({ ...work(spec), budget: spec.budget }));
}

/**
 * Hash of what is to be trained, without its budget: a raise keeps the work,
 * so it resumes a job instead of replacing it.
 */
export function workHash(spec: TrainingGoalSpec): string {
  return rememberedFor(spec, 'work', () => hashOf(work(spec)));
}

function work({ goal, baseModel, consent, constraints, data, output }: TrainingGoalSpec) {
  return { goal: goal.toWellFormed(), baseModel, consent, constraints, data, output };
}
