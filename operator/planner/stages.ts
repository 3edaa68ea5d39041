import type { MethodName } from '@kriptik/crds';
import type { Candidate, Extent, PlanContext } from './candidate.ts';
import { buildCandidate } from './candidate.ts';
import { type Compute, gpusOf } from './compute.ts';
import type { Narrowed, Selection } from './decide.ts';
import type { ChosenExtent } from './extent.ts';
import { BUDGET_CHOICES, isSizedByPeople, passesFor, usefulSteps } from './extent.ts';
import type { FiguredRun } from './figures.ts';
import { sumFigures } from './figures.ts';
import type { StageRecipe } from './recipes.ts';
import { recipeFor, wantsStages } from './recipes.ts';
import { bestFor, works } from './search.ts';
import { selectedOf } from './selection.ts';
import { contextForStage } from './stage-data.ts';

/** One stage with everything that follows from it. */
export interface StageDecision {
  readonly recipe: StageRecipe;
  /** What its rows are, and the goal's wishes that hold for it. */
  readonly context: PlanContext;
  readonly candidate: Candidate;
  /** The figures that are billed; of an evaluation no step is counted. */
  readonly run: FiguredRun;
  /** base, or the name of the stage whose result it begins with. */
  readonly startsFrom: string;
}

/** A plan of several stages under one limit. */
export interface Staged {
  readonly stages: readonly StageDecision[];
  readonly deciding: StageDecision;
  readonly extent: ChosenExtent;
  /** Stages that were left out, each with the reason. */
  readonly dropped: readonly string[];
}

/** Why a goal that asks for stages gets one. */
export interface Unstaged {
  readonly why: string;
}

/** A stage before the limit is looked at. */
interface Draft {
  readonly recipe: StageRecipe;
  readonly context: PlanContext;
  readonly planned: Candidate;
  /** The goal says how far it goes, and nobody chose otherwise. */
  readonly fixed: boolean;
}

/** Halvings of the share of the plan that the limit pays for: to about half a percent. */
const HALVINGS = 8;

/**
 * The stages of a goal that asks for several, all on the provider of the best single run and sized to share the
 * limit: each is shortened by the same share, none below what is useful; where that does not do, stages are left
 * out. Undefined for a goal of one stage.
 */
export function planStages(
  context: PlanContext,
  narrowed: Narrowed,
  best: Candidate,
  selection: Selection,
): Staged | Unstaged | undefined {
  const { contract } = context;
  if (!wantsStages(contract)) return undefined;
  if (best.compute.offer.stages !== true) {
    return {
      why: `The trainer on ${best.compute.offer.name} runs one stage at a time: this plan has only the main one. Plan the next from its result, or use a provider that runs stages.`,
    };
  }
  if (!runsStages(best.compute)) {
    return {
      why: `The trainer on ${best.compute.offer.name} runs stages in one process, and this work takes several GPUs: this plan has only the main one.`,
    };
  }
  const offers = narrowed.offers
    .map((computes) => computes.filter((one) => runsStages(one) && one.offer.name === best.compute.offer.name))
    .filter((computes) => computes.length > 0);
  const wish = selectedOf('budget', selection.budget, BUDGET_CHOICES, (id) => id);
  const fixed = wish === undefined && isSizedByPeople(context);
  const { drafts, dropped } = draftStages(context, best, narrowed, offers, fixed);
  const fitted = fit(context, drafts, wish);
  if (fitted === undefined || fitted.drafts.filter(({ recipe }) => recipe.methods.length > 0).length < 2) {
    const left = [...dropped, ...(fitted?.left ?? [])].map((text) => ` ${text}.`).join('');
    return { why: `What the limit and the data allow is one stage of training: raise the budget for several.${left}` };
  }
  return assemble(context, fitted, dropped, drafts);
}

/** A trainer that holds whole models runs several stages in one process. */
function runsStages(compute: Compute): boolean {
  const { stages, wholeModel } = compute.offer;
  return stages === true && (wholeModel !== true || gpusOf(compute) <= 1);
}

function draftStages(
  context: PlanContext,
  best: Candidate,
  narrowed: Narrowed,
  offers: readonly (readonly Compute[])[],
  fixed: boolean,
): { readonly drafts: readonly Draft[]; readonly dropped: readonly string[] } {
  const dropped: string[] = [];
  const drafts: Draft[] = [];
  const recipes = recipeFor(context.contract, best.method);
  const main = best;
  for (const recipe of recipes) {
    const own = contextForStage(context, recipe);
    if (own === undefined) {
      dropped.push(`${recipe.title}: there are no rows for it`);
      continue;
    }
    if (isOutOfReach(own, main.compute)) {
      dropped.push(`${recipe.title}: its rows come from the Hub, which cannot be reached`);
      continue;
    }
    const planned =
      recipe.methods.length === 0
        ? buildCandidate(own, main.model, main.method, main.compute, { maxSteps: evaluationSteps(own, main) })
        : trained(own, recipe, main, narrowed.methods, offers);
    if (planned === undefined) dropped.push(`${recipe.title}: nothing at hand can train it`);
    else drafts.push({ recipe, context: own, planned, fixed: fixed && recipe.decides === true });
  }
  return { drafts, dropped };
}

/** This machine cannot fetch what the author did not name; a rented one can. */
function isOutOfReach({ data, contract, hubReachable }: PlanContext, { offer }: Compute): boolean {
  if (hubReachable || offer.type !== 'local') return false;
  const named = new Set(contract.data.map(({ uri }) => uri));
  return contract.data.length > 0 && data.sources.some(({ uri }) => uri.startsWith('hf://') && !named.has(uri));
}

function trained(
  context: PlanContext,
  recipe: StageRecipe,
  main: Candidate,
  chosenMethods: readonly MethodName[],
  offers: readonly (readonly Compute[])[],
): Candidate | undefined {
  // What people chose holds for the stage that decides.
  const wanted = recipe.decides === true && chosenMethods.length === 1 ? chosenMethods : recipe.methods;
  const methods = wanted.filter((method) => main.model.methods.includes(method));
  const whole = bestFor(context, main.model, methods, offers, recipe.decides === true ? passesFor(context) : {});
  if (!works(whole)) return undefined;
  const most = recipe.shareOfMain === undefined ? undefined : Math.ceil(main.steps * recipe.shareOfMain);
  if (most === undefined || whole.steps <= most) return whole;
  return buildCandidate(context, whole.model, whole.method, whole.compute, { maxSteps: most });
}

interface Fitted {
  readonly drafts: readonly Draft[];
  /** Part of the planned steps that is kept, 0 to 1. */
  readonly share: number;
  readonly budget: string;
  readonly left: readonly string[];
}

/** The most stages, then the largest share of their steps, that the limit pays for. Undefined = not even one stage. */
function fit(context: PlanContext, drafts: readonly Draft[], wish: string | undefined): Fitted | undefined {
  const all = { drafts, left: [] };
  if (wish === 'planned') return { ...all, share: 1, budget: wish };
  if (wish === 'half') return { ...all, share: 0.5, budget: wish };
  let kept = drafts;
  const left: string[] = [];
  while (kept.length > 0) {
    if (fits(context, kept, 1)) return { drafts: kept, share: 1, budget: wish ?? 'planned', left };
    if (fits(context, kept, 0))
      return { drafts: kept, share: largestShare(context, kept), budget: 'within-limit', left };
    const next = kept
      .filter(({ recipe }) => recipe.optional !== undefined)
      .toSorted((a, b) => (a.recipe.optional ?? 0) - (b.recipe.optional ?? 0))[0];
    if (next === undefined) return undefined;
    left.push(`${next.recipe.title}: the limit does not pay for it`);
    kept = kept.filter((draft) => draft !== next);
  }
  return undefined;
}

function largestShare(context: PlanContext, drafts: readonly Draft[]): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (fits(context, drafts, middle)) low = middle;
    else high = middle;
  }
  return low;
}

function fits({ limit }: PlanContext, drafts: readonly Draft[], share: number): boolean {
  return sumFigures(
    drafts.map((draft) => runOf(draft, sized(draft, share))),
    limit,
  ).fits;
}

/** A stage at a share of its steps, never below what is useful, nor below what the goal fixes. */
function sized({ context, planned, recipe, fixed }: Draft, share: number): Candidate {
  if (share >= 1 || fixed || recipe.methods.length === 0) return planned;
  const steps = Math.max(Math.ceil(usefulSteps(context, planned)), Math.floor(planned.steps * share));
  if (steps >= planned.steps) return planned;
  return buildCandidate(context, planned.model, planned.method, planned.compute, { maxSteps: steps });
}

function assemble(context: PlanContext, fitted: Fitted, dropped: readonly string[], all: readonly Draft[]) {
  let result = 'base';
  const stages = fitted.drafts.map((draft): StageDecision => {
    const candidate = sized(draft, fitted.share);
    const startsFrom = result;
    if (draft.recipe.methods.length > 0) result = draft.recipe.name;
    return { recipe: draft.recipe, context: draft.context, candidate, run: runOf(draft, candidate), startsFrom };
  });
  const deciding = stages.find(({ recipe }) => recipe.decides === true);
  const plannedMain = all.find(({ recipe }) => recipe.decides === true)?.planned;
  if (deciding === undefined || plannedMain === undefined) {
    return { why: 'The main stage cannot be trained in a plan of several: this plan has only that one.' };
  }
  const { steps } = deciding.candidate;
  const extent: Extent = steps < plannedMain.steps ? { maxSteps: steps } : passesFor(context);
  return {
    stages,
    deciding,
    extent: { extent, budget: fitted.budget, planned: plannedMain, affordable: () => steps },
    dropped: [...dropped, ...fitted.left],
  };
}

/** An evaluation is priced as if its rows were trained on once: looking is never dearer than learning. */
function runOf({ recipe }: Draft, candidate: Candidate): FiguredRun {
  return recipe.methods.length > 0 ? candidate : { estimate: candidate.estimate, steps: 0 };
}

function evaluationSteps({ data }: PlanContext, { hyperparameters, compute }: Candidate): number {
  const each = hyperparameters.batchSize * hyperparameters.gradientAccumulation * compute.count * compute.nodes;
  return Math.max(1, Math.ceil(data.rows / each));
}
