import type { Attempt, Resolved, TrainingPolicySpec } from '@kriptik/crds';
import { lastFault, OUT_OF_MEMORY } from './diagnosis/diagnose.ts';
import { checkpointGradients, smallerBatch } from './diagnosis/remedies.ts';
import type { JobObserved } from './types.ts';

type Hyperparameters = Resolved['hyperparameters'];

/** A change that a policy may let a job make by itself. */
export type AutomaticRemedy = NonNullable<TrainingPolicySpec['automaticRemedies']>[number];

/** What all policies that speak of it allow; nothing where none does. */
export function automaticRemedies(
  policies: readonly Pick<TrainingPolicySpec, 'automaticRemedies'>[],
): AutomaticRemedy[] {
  const lists = policies.flatMap(({ automaticRemedies: list }) => (list === undefined ? [] : [list]));
  const [first = [], ...rest] = lists;
  return first.filter((remedy) => rest.every((list) => list.includes(remedy)));
}

/**
 * The adjustments an attempt that follows one whose memory ran out would make, or undefined where there is nothing left
 * that may be changed. Each halving and the one switch can happen once, so that this comes to an end.
 */
export function adjustedAgain(o: JobObserved, last: Attempt): string[] | undefined {
  const { resolved } = o.job.spec.run;
  const before = last.adjustments ?? [];
  const hyperparameters = adjusted(resolved.hyperparameters, before);
  const plan = { ...resolved, hyperparameters };
  const allowed = o.automaticRemedies ?? [];
  const remedy =
    (allowed.includes('GradientCheckpointing') ? checkpointGradients(plan) : undefined) ??
    (allowed.includes('SmallerBatch') ? smallerBatch(plan) : undefined);
  if (remedy?.change === undefined) return undefined;
  const changes = remedy.change.split(',');
  const fields = new Set(changes.map(fieldOf));
  return [...before.filter((one) => !fields.has(fieldOf(one))), ...changes];
}

/** What the next attempt adjusts: as the last one did, and more where the last one ran out of memory. */
export function nextAdjustments(o: JobObserved, last: Attempt | undefined): string[] | undefined {
  if (last === undefined) return undefined;
  const fault = lastFault(o.job.status?.diagnosis);
  const memory = last.outcome === 'Lost' && fault?.attempt === last.number && OUT_OF_MEMORY.has(fault.code);
  return memory ? (adjustedAgain(o, last) ?? last.adjustments) : last.adjustments;
}

/** Hyperparameters with adjustments; ones that it does not know are passed over. */
export function adjusted(hyperparameters: Hyperparameters, adjustments: readonly string[]): Hyperparameters {
  let result = hyperparameters;
  for (const adjustment of adjustments) {
    const value = adjustment.slice(adjustment.indexOf('=') + 1);
    switch (fieldOf(adjustment)) {
      case 'hyperparameters.gradientCheckpointing':
        result = { ...result, gradientCheckpointing: value === 'true' };
        break;
      case 'hyperparameters.batchSize':
        result = { ...result, batchSize: Number(value) };
        break;
      case 'hyperparameters.gradientAccumulation':
        result = { ...result, gradientAccumulation: Number(value) };
        break;
    }
  }
  return result;
}

/**
 * Hyperparameters of one stage with the adjustments of the plan's: a batch was made smaller from the plan's own, so
 * that a stage with another batch keeps its own.
 */
export function adjustedStage(own: Hyperparameters, plan: Hyperparameters, adjustments: readonly string[]) {
  const isSame = own.batchSize === plan.batchSize && own.gradientAccumulation === plan.gradientAccumulation;
  const meant = adjustments.filter((one) => isSame || fieldOf(one) === 'hyperparameters.gradientCheckpointing');
  return adjusted(own, meant);
}

function fieldOf(adjustment: string): string {
  return adjustment.slice(0, adjustment.indexOf('='));
}
