import type { MethodName } from '@kriptik/crds';
import type { Catalog, ModelSpec } from '../catalog/catalog.ts';
import { minMoney, parseMoney } from '../money.ts';
import type { Candidate, Compute, PlanContext } from './candidate.ts';
import { buildCandidate, computeId } from './candidate.ts';
import { summarizeData } from './data.ts';
import { extentFor } from './extent.ts';
import { acceptableMethods, methodsFor } from './methods.ts';
import { modelChoices } from './models.ts';
import { resolve } from './resolve.ts';
import { bestCompute, bestFor } from './search.ts';
import { SelectionError, selectedOf } from './selection.ts';
import { buildTiles } from './tiles.ts';
import type { Blocked, BlockReason, PlanResult, ProviderOffer, RecommendInput } from './types.ts';

/**
 * The plan for a contract: model, method, data, GPU and budget with priced
 * alternatives. Pure: equal inputs give equal plans. What people selected
 * stands; the rest is chosen to fit the limit. Blocked when nothing can be
 * planned, with what would change that.
 */
export function recommend(input: RecommendInput): PlanResult {
  const { contract, catalog, selection = {} } = input;
  const limit = minMoney(
    parseMoney(contract.budget.limit, 'budget.limit'),
    ...[input.policy.ceilings.perJob, input.monthlyRemaining].filter((ceiling) => ceiling !== undefined),
  );
  if (limit === 0) return blocked('ForbiddenByPolicy', 'Nothing may be spent: the limit is 0.', remedyFor('budget'));
  const context: PlanContext = {
    contract,
    catalog,
    policy: input.policy,
    data: summarizeData(contract, input.dataFacts),
    hubReachable: input.hubReachable ?? true,
    limit,
  };
  const computes = computesOf(input.providers);
  if (computes.length === 0) {
    return blocked('NoProvider', 'No ComputeProvider offers anything to train on.', remedyFor('provider'));
  }
  const models = modelChoices(contract, catalog, cpuOnly(computes));
  if ('unknown' in models) return unknownModel(models.unknown, models.similar, catalog);

  try {
    const pool = [...models.choices, ...models.others];
    const chosenModel = selectedOf('model', selection.model, pool, ({ id }) => id);
    const methods = methodsFor(contract);
    const chosenMethod = selectedOf('method', selection.method, methods, (name) => name);
    const chosenCompute = selectedOf('gpu', selection.gpu, computes, computeId);
    const narrowed = {
      models: chosenModel ? [chosenModel] : models.choices,
      methods: chosenMethod ? [chosenMethod] : acceptableMethods(contract),
      computes: chosenCompute ? [chosenCompute] : computes,
    };
    const best = search(context, narrowed);
    if (best === undefined || best.problem !== undefined) return whyNot(context, narrowed, best);
    const extent = extentFor(context, best, selection);
    const chosen = buildCandidate(context, best.model, best.method, best.compute, extent.extent);
    const draft = { context, chosen, extent, computes, methods, models };
    const { resolved, quote } = resolve(draft);
    const tiles = buildTiles(draft, quote);
    return { resolved, quote, tiles, warnings: [...new Set(tiles.flatMap((tile) => tile.warnings ?? []))] };
  } catch (error) {
    if (error instanceof SelectionError) return blocked('UnknownSelection', error.message, error.remedy);
    throw error;
  }
}

interface Narrowed {
  readonly models: readonly ModelSpec[];
  readonly methods: readonly MethodName[];
  readonly computes: readonly Compute[];
}

/** The first model, in order of preference, that works within the limit; else the cheapest that works at all. */
function search(context: PlanContext, { models, methods, computes }: Narrowed): Candidate | undefined {
  let cheapest: Candidate | undefined;
  let failed: Candidate | undefined;
  for (const model of models) {
    const best = bestFor(context, model, methods, computes);
    if (best === undefined) continue;
    if (best.problem !== undefined) failed ??= best;
    else if (best.fits) return best;
    else if (cheapest === undefined || total(best) < total(cheapest)) cheapest = best;
  }
  return cheapest ?? failed;
}

function total(candidate: Candidate): number {
  return candidate.estimate.cost.total.expected;
}

function computesOf(offers: readonly ProviderOffer[]): readonly Compute[] {
  return offers.flatMap((offer) => offer.counts.map((count) => ({ offer, count })));
}

function cpuOnly(computes: readonly Compute[]): boolean {
  const ready = computes.filter(({ offer }) => offer.ready);
  return ready.length > 0 && ready.every(({ offer }) => offer.gpu === 'cpu');
}

function whyNot(context: PlanContext, narrowed: Narrowed, best: Candidate | undefined): Blocked {
  const model = best?.model ?? narrowed.models[0];
  if (best?.problem === undefined || model === undefined) {
    return blocked('NoSuitableModel', 'No model of the catalog suits this goal.', remedyFor('model'));
  }
  const problems = narrowed.methods.flatMap((method) =>
    narrowed.computes.flatMap((compute) => {
      const { problem } = bestCompute(context, model, method, [compute]) ?? {};
      return problem === undefined ? [] : [{ method, compute: computeId(compute), text: problem.text }];
    }),
  );
  const { reason } = best.problem;
  // Where no provider can take any work, neither model nor method is at fault.
  if (reason === 'NoProvider') {
    const why = [...new Set(problems.map(({ text }) => text))].slice(0, MAX_SHOWN);
    return blocked(reason, `No provider can take this work: ${why.join('; ')}.`, remedyOf[reason]);
  }
  const shown = problems.slice(0, MAX_SHOWN).map(({ method, compute, text }) => `${method} on ${compute}: ${text}`);
  return blocked(reason, `${model.title} cannot be trained: ${shown.join('; ')}.`, remedyOf[reason]);
}

/** Problems told at once. */
const MAX_SHOWN = 4;

function unknownModel(name: string, similar: readonly string[], catalog: Catalog): Blocked {
  const families = [...new Set(catalog.models.map(({ family }) => family))].join(', ');
  return blocked(
    'NoSuitableModel',
    `The model "${name}" is not one this operator can plan.`,
    `Set spec.constraints.model to one of ${similar.join(', ')}, or to another model of these families: ${families}.`,
  );
}

function blocked(reason: BlockReason, message: string, remedy: string): Blocked {
  return { blocked: { reason, message, remedy } };
}

const remedyOf: Readonly<Record<BlockReason, string>> = {
  DataUnreadable: 'Check spec.data of the goal.',
  NoData: 'Name the training data in spec.data of the goal.',
  UnknownSelection: 'Choose one of the ids in status.tiles[].alternatives.',
  NoProvider: remedyFor('provider'),
  NoSuitableModel: remedyFor('model'),
  UnsupportedMethod: 'Choose another method in spec.constraints.method, or add a ComputeProvider whose trainer has it.',
  DoesNotFitInMemory:
    'Choose a smaller model (spec.constraints.model), QLoRA (spec.constraints.method), a shorter spec.constraints.maxLength, or add a provider with larger GPUs.',
  ForbiddenByPolicy: remedyFor('policy'),
  DeadlineTooShort:
    'Allow more time in spec.constraints.deadline, more GPUs in spec.constraints.maxGpus, or train a smaller model.',
};

function remedyFor(what: 'provider' | 'model' | 'policy' | 'budget'): string {
  switch (what) {
    case 'provider':
      return 'Add a ComputeProvider that has what is missing, or make one Ready: kubectl get computeproviders.';
    case 'model':
      return 'Name a model in spec.constraints.model; the catalog lists what can be trained.';
    case 'policy':
      return 'Choose what the policy allows, or ask the platform team to change it: kubectl get trainingpolicies.';
    case 'budget':
      return 'Raise spec.budget.limit, or wait until the monthly ceiling of the namespace leaves room.';
  }
}
