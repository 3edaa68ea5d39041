import type { MethodName, TrainingPlanSpec } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import type { Candidate, PlanContext } from './candidate.ts';
import { buildCandidate } from './candidate.ts';
import type { Compute } from './compute.ts';

import type { ChosenExtent } from './extent.ts';
import { extentFor } from './extent.ts';
import type { MethodAdvice } from './methods.ts';
import type { ModelChoices } from './models.ts';
import type { Found, Rejected } from './search.ts';
import { bestFor, works } from './search.ts';
import { selectedOf } from './selection.ts';
import type { Staged } from './stages.ts';
import { planStages } from './stages.ts';

export type Selection = NonNullable<TrainingPlanSpec['selection']>;

/** What there is to choose from. */
export interface Choices {
  readonly models: ModelChoices;
  readonly methods: readonly MethodAdvice[];
  /** The computes of each offer, fewest GPUs first. */
  readonly offers: readonly (readonly Compute[])[];
}

/** Everything that was decided, before it is written down. */
export interface Decision {
  /** The run, or the stage that decides the result of a plan of several. */
  readonly chosen: Candidate;
  readonly extent: ChosenExtent;
  readonly staged?: Staged;
  /** Why a plan that asks for several stages has only one. */
  readonly unstaged?: string;
}

/** Nothing works; `best` is what came nearest, with its problem. */
export interface Failure {
  readonly narrowed: Narrowed;
  readonly best: Found | undefined;
}

/** The choices that a selection leaves. */
export interface Narrowed {
  readonly models: readonly ModelSpec[];
  readonly methods: readonly MethodName[];
  readonly offers: readonly (readonly Compute[])[];
}

/**
 * The whole choice: what is selected stands, the rest is chosen to fit the limit. Each alternative of a tile is
 * priced by deciding again with that one choice, so that it costs exactly what is shown when it is taken. Throws
 * SelectionError for an unknown id.
 */
export function decide(context: PlanContext, choices: Choices, selection: Selection): Decision | Failure {
  const narrowed = narrow(choices, selection);
  const { model = '', method = '', gpu = '' } = selection;
  const key = `${model} ${method} ${gpu}`;
  const known = context.memory.searches.get(key);
  const best = known ?? search(context, narrowed);
  context.memory.searches.set(key, best);
  if (!works(best)) return { narrowed, best };
  const staged = planStages(context, narrowed, best, selection);
  if (staged !== undefined && 'stages' in staged) {
    return { chosen: staged.deciding.candidate, extent: staged.extent, staged };
  }
  const extent = extentFor(context, best, selection);
  const chosen = buildCandidate(context, best.model, best.method, best.compute, extent.extent);
  // More passes than the rules would make can be more than anybody pays for.
  if (chosen.problem?.reason === 'TooLarge') return { narrowed, best: chosen };
  return { chosen, extent, ...(staged !== undefined && { unstaged: staged.why }) };
}

function narrow({ models, methods, offers }: Choices, selection: Selection): Narrowed {
  const pool = [...models.choices, ...models.others];
  const model = selectedOf('model', selection.model, pool, ({ id }) => id);
  const method = selectedOf('method', selection.method, methods, ({ name }) => name);
  const compute = selectedOf('gpu', selection.gpu, offers.flat(), ({ id }) => id);
  return {
    models: model ? [model] : models.choices,
    methods: method ? [method.name] : methods.filter(({ acceptable }) => acceptable).map(({ name }) => name),
    offers: compute ? [[compute]] : offers,
  };
}

/** The first model, in order of preference, that works within the limit; else the cheapest that works at all. */
function search(context: PlanContext, { models, methods, offers }: Narrowed): Found | undefined {
  let cheapest: Candidate | undefined;
  let failed: Rejected | Candidate | undefined;
  for (const model of models) {
    const best = bestFor(context, model, methods, offers);
    if (best === undefined) continue;
    if (!works(best)) failed ??= best;
    else if (best.fits) return best;
    else if (cheapest === undefined || totalOf(best) < totalOf(cheapest)) cheapest = best;
  }
  return cheapest ?? failed;
}

function totalOf({ estimate }: Candidate): number {
  return estimate.cost.total.expected;
}
