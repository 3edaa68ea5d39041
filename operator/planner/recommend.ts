import { compareProposals } from './compare.ts';
import type { Failure, Selection } from './decide.ts';
import { figuresOf } from './figures.ts';
import { staleness } from './freshness.ts';
import type { Decided, Outcome, Planning } from './planning.ts';
import { planningOf } from './planning.ts';
import { policyBlock } from './remedy.ts';
import { resolve } from './resolve.ts';
import { SelectionError } from './selection.ts';
import type { PlanDraft } from './tiles/priced.ts';
import { buildTiles } from './tiles/tiles.ts';
import type { Blocked, BlockReason, PlanResult, Recommendation, RecommendInput } from './types.ts';
import { explain } from './why.ts';
import { remedyOf, whyNot } from './why-not.ts';

/**
 * The plan for a contract: model, method, data, GPU and budget with priced
 * alternatives. Pure: equal inputs give equal plans. What people selected
 * stands; the rest is chosen to fit the limit. Blocked when nothing can be
 * planned, with what would change that.
 */
export function recommend(input: RecommendInput): PlanResult {
  const planning = planningOf(input);
  const selection = input.selection ?? {};
  const decided = attempt(planning, selection);
  const stopped = policyBlock(input, 'blocked' in decided ? decided : resolve(decided), propose);
  if (stopped !== undefined) return stopped;
  if ('blocked' in decided) return decided;
  const { context, decision } = decided;
  const draft: PlanDraft = {
    ...decided,
    planning,
    selection,
    figures: figuresOf(decision, context.limit),
    now: input.now,
  };
  const { resolved, quote } = resolve(decided);
  const tiles = buildTiles(draft, quote);
  const stalePrice = staleness(decision.chosen.compute, input.now);
  return {
    resolved,
    quote,
    tiles,
    warnings: [...new Set(tiles.flatMap((tile) => tile.warnings ?? []))],
    why: explain(draft),
    changes: changesOf(input, planning, { resolved, quote }),
    ...(stalePrice !== undefined && { stalePrice }),
  };
}

/** The plan of an input without its tiles: what is approved, or why there is none. */
function propose(input: RecommendInput): Pick<Recommendation, 'resolved' | 'quote'> | Blocked {
  const decided = attempt(planningOf(input), input.selection ?? {});
  return 'blocked' in decided ? decided : resolve(decided);
}

function attempt(planning: Planning, selection: Selection): Decided | Blocked {
  if (planning.limit === 0) {
    return blocked(
      'ForbiddenByPolicy',
      'Nothing may be spent: the limit is 0.',
      'Raise spec.budget.limit, or wait until the monthly ceiling of the namespace leaves room.',
    );
  }
  try {
    return read(planning.decideWith(selection));
  } catch (error) {
    if (error instanceof SelectionError) return blocked('UnknownSelection', error.message, error.remedy);
    throw error;
  }
}

function read(outcome: Outcome): Decided | Blocked {
  if ('decision' in outcome) return outcome;
  if ('noData' in outcome) return { blocked: outcome.noData };
  if ('unknown' in outcome) return unknownModel(outcome.unknown, outcome.similar);
  return failed(outcome);
}

function failed({ context, failure }: { context: Decided['context']; failure: Failure }): Blocked {
  if (failure.narrowed.offers.length === 0) {
    return blocked('NoProvider', 'No ComputeProvider offers anything to train on.', remedyOf('NoProvider'));
  }
  return whyNot(context, failure);
}

/** What a selection moves against the planner's own choice. */
function changesOf(
  input: RecommendInput,
  planning: Planning,
  chosen: Pick<Recommendation, 'resolved' | 'quote'>,
): Recommendation['changes'] {
  if (Object.values(input.selection ?? {}).every((id) => id === undefined)) return [];
  const own = attempt(planning, {});
  return 'blocked' in own ? [] : compareProposals(resolve(own), chosen);
}

function unknownModel(name: string, similar: readonly string[]): Blocked {
  return blocked(
    'NoSuitableModel',
    `The model "${name}" is not one this operator can plan.`,
    `Set spec.constraints.model to one of ${similar.join(', ')}, or to another of: kriptik catalog list models.`,
  );
}

function blocked(reason: BlockReason, message: string, remedy: string): Blocked {
  return { blocked: { reason, message, remedy } };
}
