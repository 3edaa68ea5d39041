import type { TrainingPlanSpec } from '@kriptik/crds';
import { stepsPerEpoch } from '../estimator/steps.ts';
import type { Candidate, Extent, PlanContext } from './candidate.ts';
import { buildCandidate } from './candidate.ts';
import { gpusOf } from './compute.ts';
import { passesOf } from './data/choice.ts';
import { affordableSteps } from './search.ts';
import { SelectionError, selectedOf } from './selection.ts';

type Selection = NonNullable<TrainingPlanSpec['selection']>;

export const BUDGET_CHOICES = ['planned', 'within-limit', 'half'] as const;

/** Below this many steps a shortened run is not worth its start. */
export const FEWEST_USEFUL_STEPS = 40;

/** How far the run goes: what was selected, or the rules' extent, shortened where the limit asks for it. */
export interface ChosenExtent {
  readonly extent: Extent;
  readonly budget: string;
  /** The run as the rules want it, before the limit. */
  readonly planned: Candidate;
  /** Most steps within the limit: only worked out when asked for, which most alternatives never are. */
  readonly affordable: () => number;
}

/**
 * How far to train. Throws SelectionError for an unknown choice, and where the
 * limit does not pay for a single step.
 */
export function extentFor(context: PlanContext, best: Candidate, selection: Selection): ChosenExtent {
  const { model, method, compute } = best;
  const passes = passesFor(context);
  const planned = buildCandidate(context, model, method, compute, passes);
  const affordable = (): number => (planned.fits ? planned.steps : affordableSteps(context, planned));
  const budget =
    selectedOf('budget', selection.budget, BUDGET_CHOICES, (id) => id) ?? defaultBudget(context, planned, affordable);
  if (budget === 'planned') return { extent: passes, budget, planned, affordable };
  const steps = budget === 'half' ? Math.ceil(planned.steps / 2) : affordable();
  if (steps === 0) {
    throw new SelectionError('budget', budget, ['planned', 'half'], 'the limit does not pay for a single step');
  }
  return { extent: { maxSteps: steps }, budget, planned, affordable };
}

/** The passes that were selected of the Data tile. */
export function passesFor({ data }: PlanContext): Extent {
  const epochs = passesOf(data.choice.passes);
  return epochs === undefined ? {} : { epochs };
}

/** Whether the goal itself says how far to train: the limit never shortens that, it only freezes it. */
export function isSizedByPeople({ contract }: PlanContext): boolean {
  const { epochs, maxSteps } = contract.constraints;
  return epochs !== undefined || maxSteps !== undefined;
}

/** The fewest steps at which a shortened run is still of use: one pass, or half of the plan. */
export function usefulSteps({ data }: PlanContext, planned: Candidate): number {
  const { batchSize, gradientAccumulation } = planned.hyperparameters;
  const pass = stepsPerEpoch({ rows: data.rows, batchSize, gradientAccumulation, devices: gpusOf(planned.compute) });
  return Math.min(planned.steps, Math.max(FEWEST_USEFUL_STEPS, Math.min(pass, planned.steps / 2)));
}

/** A run that the rules chose is shortened to fit while that leaves it useful; one that people sized is not. */
function defaultBudget(context: PlanContext, planned: Candidate, affordable: () => number): string {
  if (planned.fits || isSizedByPeople(context)) return 'planned';
  return affordable() >= usefulSteps(context, planned) ? 'within-limit' : 'planned';
}
