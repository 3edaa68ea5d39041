import type { TrainingPlanSpec } from '@kriptik/crds';
import { stepsPerEpoch } from '../estimator/steps.ts';
import type { Candidate, Extent, PlanContext } from './candidate.ts';
import { buildCandidate } from './candidate.ts';
import { affordableSteps } from './search.ts';
import { SelectionError, selectedOf } from './selection.ts';

type Selection = NonNullable<TrainingPlanSpec['selection']>;

export const DATA_CHOICES = ['as-planned', 'epochs-1', 'epochs-2', 'epochs-3', 'epochs-5'] as const;
export const BUDGET_CHOICES = ['planned', 'within-limit', 'half'] as const;

/** Below this many steps a shortened run is not worth its start. */
const FEWEST_USEFUL_STEPS = 40;

/** How far the run goes: what was selected, or the rules' extent, shortened where the limit asks for it. */
export interface ChosenExtent {
  readonly extent: Extent;
  readonly data: string;
  readonly budget: string;
  /** The run as the rules want it, before the limit. */
  readonly planned: Candidate;
  /** Most steps within the limit. */
  readonly affordable: number;
}

/**
 * How far to train. Throws SelectionError for an unknown choice, and where the
 * limit does not pay for a single step.
 */
export function extentFor(context: PlanContext, best: Candidate, selection: Selection): ChosenExtent {
  const { model, method, compute } = best;
  const data = selectedOf('data', selection.data, DATA_CHOICES, (id) => id) ?? 'as-planned';
  const passes = data === 'as-planned' ? {} : { epochs: Number(data.replace('epochs-', '')) };
  const planned = buildCandidate(context, model, method, compute, passes);
  const affordable = planned.fits ? planned.steps : affordableSteps(context, planned);
  const budget =
    selectedOf('budget', selection.budget, BUDGET_CHOICES, (id) => id) ?? defaultBudget(context, planned, affordable);
  if (budget === 'planned') return { extent: passes, data, budget, planned, affordable };
  const steps = budget === 'half' ? Math.ceil(planned.steps / 2) : affordable;
  if (steps === 0) {
    throw new SelectionError('budget', budget, ['planned', 'half'], 'the limit does not pay for a single step');
  }
  return { extent: { maxSteps: steps }, data, budget, planned, affordable };
}

/** A run that the rules chose is shortened to fit while that leaves it useful; one that people sized is not. */
function defaultBudget({ contract, data }: PlanContext, planned: Candidate, affordable: number): string {
  const { epochs, maxSteps } = contract.constraints;
  if (planned.fits || epochs !== undefined || maxSteps !== undefined) return 'planned';
  const { batchSize, gradientAccumulation } = planned.hyperparameters;
  const devices = Math.max(1, planned.compute.count);
  const pass = stepsPerEpoch({ rows: data.rows, batchSize, gradientAccumulation, devices });
  const useful = Math.min(planned.steps, Math.max(FEWEST_USEFUL_STEPS, Math.min(pass, planned.steps / 2)));
  return affordable >= useful ? 'within-limit' : 'planned';
}
