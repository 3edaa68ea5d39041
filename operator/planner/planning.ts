import type { MicroUsd } from '../money.ts';
import { minMoney, parseMoney } from '../money.ts';
import type { PlanContext, PlanMemory } from './candidate.ts';
import { emptyMemory } from './candidate.ts';
import type { Compute } from './compute.ts';
import { computesOf } from './compute.ts';
import type { SourceView } from './data/source.ts';
import { sourcesFor } from './data/stage-sources.ts';
import type { NoData } from './data/summary.ts';
import { summarizeData } from './data/summary.ts';
import type { Choices, Decision, Failure, Selection } from './decide.ts';
import { decide } from './decide.ts';
import type { MethodAdvice } from './methods.ts';
import { adviseMethods } from './methods.ts';
import type { ModelChoices, UnknownModel } from './models.ts';
import { modelChoices } from './models.ts';
import type { Ceiling } from './policy-ceiling.ts';
import { ceilingOf } from './policy-ceiling.ts';
import { modelProblem } from './problems.ts';
import { wantsStages } from './recipes.ts';
import type { ProviderOffer, RecommendInput } from './types.ts';

/** A decision with what it was chosen from. */
export interface Decided {
  readonly context: PlanContext;
  readonly choices: Choices;
  readonly decision: Decision;
}

export type Outcome = Decided | { readonly context: PlanContext; readonly failure: Failure } | NoData | UnknownModel;

/** One planning of one goal: answers what each selection would give, and remembers what it worked out. */
export interface Planning {
  readonly limit: MicroUsd;
  /** What policies and the month leave, where they leave less than any sum. */
  readonly ceiling?: Ceiling;
  /** Throws SelectionError for a selection that names nothing. */
  decideWith(selection: Selection): Outcome;
}

/** Prepares the planning of an input. Pure: equal inputs and selections give equal outcomes. */
export function planningOf(input: RecommendInput): Planning {
  const { contract, catalog, policy } = input;
  const stated = parseMoney(contract.budget.limit, 'budget.limit');
  const ceiling = ceilingOf(policy, input.monthlyRemaining);
  const limit = ceiling === undefined ? stated : minMoney(stated, ceiling.amount);
  const offers = input.providers
    .toSorted(byName)
    .map((offer) => computesOf(offer, catalog))
    .filter((computes) => computes.length > 0);
  const prepared = new Map<string, Prepared>();
  const memories = new Map<string, PlanMemory>();
  const ranked = new Map<number | undefined, ModelChoices | UnknownModel>();
  const advised = new Map<string, readonly MethodAdvice[]>();

  return {
    limit,
    ...(ceiling !== undefined && { ceiling }),
    decideWith: (selection) => {
      const ready = prepare(selection);
      if (!('context' in ready)) return ready;
      const { context, choices } = ready;
      const decision = decide(context, choices, selection);
      return 'chosen' in decision ? { context, choices, decision } : { context, failure: decision };
    },
  };

  /** Data and method selected decide what the rows are; the rest is the same for every selection. */
  function prepare({ data, method }: Selection): Prepared {
    const key = `${data ?? ''} ${method ?? ''}`;
    return remembered(prepared, key, () => build(data, method));
  }

  function build(dataChoice: string | undefined, methodChoice: string | undefined): Prepared {
    const facts = input.dataFacts ?? [];
    const method = catalog.methods.find(({ id }) => id === methodChoice)?.id;
    // Of rows for several stages, those of the stage that decides.
    const decides = method ?? contract.methods?.[0] ?? 'lora';
    const sources = wantsStages(contract) ? sourcesFor(decides, contract.data, facts, catalog) : contract.data;
    const data = summarizeData({ ...contract, data: [...sources] }, facts, {
      catalog,
      policy,
      choice: dataChoice,
      method,
    });
    if ('noData' in data) return data;
    const context: PlanContext = {
      contract,
      catalog,
      policy,
      data,
      facts,
      hubReachable: input.hubReachable ?? true,
      modelFacts: input.modelFacts ?? [],
      limit,
      memory: remembered(
        memories,
        `${data.sources.map(({ uri }) => uri).join(' ')} ${data.rows} ${data.tokensPerRow} ${data.longestRow}`,
        emptyMemory,
      ),
    };
    const models = remembered(ranked, data.longestRow, () =>
      modelChoices({
        contract,
        catalog,
        cpuOnly: cpuOnly(offers),
        ...(data.longestRow !== undefined && { longestRow: data.longestRow }),
        allowed: (model) => modelProblem(context, model) === undefined,
      }),
    );
    if ('unknown' in models) return models;
    const methodData = methodDataOf(data);
    const methods = remembered(advised, Object.values(methodData).join(' '), () =>
      adviseMethods(contract, methodData, catalog),
    );
    return { context, choices: { models, methods, offers } };
  }
}

/** Providers are listed in any order; what a plan says must not hang on it. */
function byName(a: ProviderOffer, b: ProviderOffer): number {
  return a.order - b.order || compareText(a.name, b.name) || compareText(a.gpu, b.gpu);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

type Prepared = Pick<Decided, 'context' | 'choices'> | NoData | UnknownModel;

function methodDataOf({ rows, rowsKnown, views }: PlanContext['data']) {
  const isPreference = ({ preferencePairs, form }: SourceView): boolean =>
    preferencePairs === true || form === 'judged';
  const pairs = views.length > 0 && views.every(isPreference);
  const noPairs = views.some((view) => view.preferencePairs === false && !isPreference(view));
  return { rows, rowsKnown, pairs, noPairs };
}

function cpuOnly(offers: readonly (readonly Compute[])[]): boolean {
  const ready = offers.flat().filter(({ offer }) => offer.ready);
  return ready.length > 0 && ready.every(({ offer }) => offer.gpu === 'cpu');
}
