import type { Contract, MethodName, PlannedData } from '@kriptik/crds';
import type { Catalog, DatasetSpec } from '../../catalog/catalog.ts';
import { findDataset } from '../../catalog/lookup.ts';
import { noPolicy } from '../policy.ts';
import { licenseForbidden } from '../policy-check.ts';
import type { EffectivePolicy, PolicyRule } from '../policy-types.ts';
import type { BlockReason, DataFacts } from '../types.ts';
import { type DataChoice, readDataChoice } from './choice.ts';
import { type Proposal, proposalsFor } from './propose.ts';
import { statedAmount } from './size.ts';
import { assumedRows, type SourceView, viewSource } from './source.ts';
import { decimal } from './split.ts';
import { onlyOwnData, wishOf } from './wish.ts';

/** What the planner knows or assumes about the training data as a whole. */
export interface DataSummary {
  readonly sources: readonly PlannedData[];
  /** Rows to learn from: all but those held out. */
  readonly rows: number;
  readonly tokensPerRow: number;
  readonly longestRow?: number;
  /** True when rows were counted or stated, false when assumed. */
  readonly rowsKnown: boolean;
  readonly tokensKnown: boolean;
  readonly warnings: readonly string[];
  /** Rows kept to judge the result: looked at while training, and once at the end. */
  readonly heldOut: { readonly evaluation: number; readonly test: number };
  /** Of sound, where the goal states it. */
  readonly minutes?: number;
  /** Whether the author named the sources, or the planner proposes public ones. */
  readonly origin: 'stated' | 'proposed';
  /** What was selected of the Data tile. */
  readonly choice: DataChoice;
  /** Public data sets among the sources. */
  readonly datasets: readonly DatasetSpec[];
  /** Public data sets that could take their place, best first; empty where the author named the sources. */
  readonly proposals: readonly Proposal[];
  readonly views: readonly SourceView[];
  /** False only where the goal says that nothing is sold with the result. */
  readonly commercial: boolean;
}

/** No data: why, and what would help. */
export interface NoData {
  readonly noData: {
    readonly reason: Extract<BlockReason, 'NoData' | 'ForbiddenByPolicy'>;
    readonly message: string;
    readonly remedy: string;
    readonly rules?: readonly PolicyRule[];
  };
}

export interface DataOptions {
  readonly catalog?: Catalog;
  readonly policy?: EffectivePolicy;
  /** spec.selection.data: a public data set, passes, or both. */
  readonly choice?: string | undefined;
  /** Method that was selected or stated first; decides which rows fit. */
  readonly method?: MethodName | undefined;
}

/** Most alternatives of public data that a plan shows. */
const MOST_PROPOSALS = 6;
/** A source with less than this share of the rows hardly counts; one with more drowns the others. */
const SMALL_SHARE = 0.05;

const WHERE = 'Name the data in spec.data of the goal: file://, s3://, https://, pvc:// or hf://datasets/.';

/**
 * The data of a plan: the author's own sources first, with what was counted,
 * stated or listed about them; where there are none and public data can serve,
 * the best fitting set of the catalog, with others to choose from. A person
 * approves the plan that names it. Throws SelectionError for an unknown choice.
 */
export function summarizeData(
  contract: Contract,
  facts: readonly DataFacts[] = [],
  options: DataOptions = {},
): DataSummary | NoData {
  const { catalog, policy = noPolicy } = options;
  const method = options.method ?? contract.constraints.method ?? contract.methods?.[0] ?? 'lora';
  const wish = wishOf(contract, method, catalog?.families);
  const amount = contract.data.length === 1 ? statedAmount(contract) : {};
  if (contract.data.length > 0) {
    const views = contract.data.map((source) =>
      viewSource({
        contract,
        source,
        method,
        fact: facts.find(({ uri }) => uri === source.uri),
        dataset: catalog === undefined ? undefined : findHubDataset(catalog, source.uri),
        amount,
      }),
    );
    const barred = barredSource(views, policy);
    if (barred !== undefined) return barred;
    const choice = readDataChoice(options.choice, []);
    return {
      ...summarize(views, contract),
      origin: 'stated',
      choice,
      proposals: [],
      commercial: wish.commercial,
      ...(amount.minutes !== undefined && { minutes: amount.minutes }),
    };
  }
  if (catalog === undefined) return noData(`there is no data to learn from. ${WHERE}`);
  const own = onlyOwnData(contract, method);
  if (own !== undefined) return noData(`no public data can serve this goal: ${own}.`);
  const proposals = proposalsFor({ contract, wish, method, catalog, policy }).slice(0, MOST_PROPOSALS);
  const open = proposals.filter(({ problem }) => problem === undefined);
  const choice = readDataChoice(
    options.choice,
    open.map(({ dataset }) => dataset.id),
  );
  const chosen = open.find(({ dataset }) => dataset.id === choice.dataset) ?? open[0];
  if (chosen === undefined) return nothingFits(contract, proposals);
  const { dataset } = chosen;
  const source = sourceOfDataset(dataset);
  const fact = facts.find(({ uri }) => uri === source.uri);
  const view = viewSource({ contract, source, method, fact, dataset, amount: {} });
  return { ...summarize([view], contract), origin: 'proposed', choice, proposals, commercial: wish.commercial };
}

/** Why a method cannot learn from this data; undefined = nothing known speaks against it. */
export function dataProblem({ views }: DataSummary, method: MethodName): string | undefined {
  const without = views.filter(({ preferencePairs, form }) => preferencePairs === false && form !== 'judged');
  const judged = views.filter(({ form }) => form === 'judged');
  const pairs = views.filter(({ preferencePairs }) => preferencePairs === true);
  const named = (of: readonly SourceView[]): string => of.map(({ planned }) => planned.name ?? planned.uri).join(', ');
  if (method === 'dpo' && without.length > 0) {
    return `DPO needs pairs of a chosen and a rejected answer, which ${named(without)} does not have`;
  }
  if (method === 'dpo' && judged.length > 0 && judged.length < views.length) {
    return `${named(judged)} holds answers with a verdict each, the other sources do not: plan one kind at a time`;
  }
  if ((method === 'lora' || method === 'qlora' || method === 'full') && pairs.length > 0) {
    return `${named(pairs)} holds pairs of answers, which DPO learns from`;
  }
  return undefined;
}

/** How a plan names a public data set of the catalog. */
export function sourceOfDataset(dataset: DatasetSpec): PlannedData {
  return {
    name: slug(dataset.id),
    uri: `hf://datasets/${dataset.hub}`,
    format: 'hub',
    split: dataset.split,
    rows: dataset.rows,
  };
}

/** Names of sources are DNS labels. */
function slug(id: string): string {
  return id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63);
}

function findHubDataset(catalog: Catalog, uri: string): DatasetSpec | undefined {
  return uri.startsWith('hf://') ? findDataset(catalog, uri) : undefined;
}

function summarize(views: readonly SourceView[], { modality }: Contract) {
  const sum = (of: (view: SourceView) => number): number => views.reduce((total, view) => total + of(view), 0);
  const assumed = assumedRows(modality);
  const all = sum(({ rows }) => rows) || assumed.rows;
  const rows = sum(({ split }) => split.train) || assumed.rows;
  const tokens = sum((view) => view.tokens) || all * assumed.tokensPerRow;
  const longest = views.map(({ longestRow }) => longestRow);
  const rowsKnown = views.every((view) => view.rowsKnown);
  const share = (view: SourceView): number => view.rows / all;
  return {
    sources: views.map((view) => ({ ...view.planned, ...(views.length > 1 && { share: decimal(share(view)) }) })),
    rows,
    tokensPerRow: tokens / all,
    ...(longest.every((value) => value !== undefined) && longest.length > 0 && { longestRow: Math.max(...longest) }),
    rowsKnown,
    tokensKnown: views.every((view) => view.tokensKnown),
    heldOut: { evaluation: sum(({ split }) => split.evaluation), test: sum(({ split }) => split.test) },
    datasets: views.flatMap(({ dataset }) => dataset ?? []),
    views,
    warnings: [
      ...(rowsKnown
        ? []
        : [
            `The number of rows is not known; ${all} are assumed. State it in spec.data[].rows for a better estimate: time and cost grow with it.`,
          ]),
      ...views.flatMap(({ conversion, planned }) =>
        conversion.problem === undefined ? [] : [`${planned.name ?? planned.uri}: ${conversion.problem}.`],
      ),
      ...twice(views),
      ...views
        .filter((view) => views.length > 1 && share(view) < SMALL_SHARE)
        .map(
          (view) =>
            `${view.planned.name ?? view.planned.uri} makes up ${(share(view) * 100).toFixed(1)} % of the rows: the other sources will drown it. Take fewer rows of them, or repeat it.`,
        ),
    ],
  };
}

/** The same file under two names teaches its rows twice as much. */
function twice(views: readonly SourceView[]): readonly string[] {
  return views.flatMap(({ planned }, index) => {
    const same = views
      .slice(0, index)
      .find(
        (other) =>
          other.planned.uri === planned.uri ||
          (planned.sha256 !== undefined && other.planned.sha256 === planned.sha256),
      );
    return same === undefined
      ? []
      : [`${planned.uri} and ${same.planned.uri} are the same data: its rows count twice.`];
  });
}

/** Public data that the author named is under the policies' licences, too. */
function barredSource(views: readonly SourceView[], policy: EffectivePolicy): NoData | undefined {
  for (const { planned } of views) {
    const denial = planned.license === undefined ? undefined : licenseForbidden(policy, planned.license);
    if (denial === undefined) continue;
    return {
      noData: {
        reason: 'ForbiddenByPolicy',
        message: `The data ${planned.uri} may not be used: ${denial.text}.`,
        remedy: `Name other data in spec.data, or ask the platform team to change ${denial.rule.path} of TrainingPolicy ${denial.rule.policy}.`,
        rules: [denial.rule],
      },
    };
  }
  return undefined;
}

function nothingFits(contract: Contract, proposals: readonly Proposal[]): NoData {
  const [first] = proposals;
  if (first?.problem === undefined) {
    return noData(`the goal names no data, and the catalog has none that teaches ${contract.capability}.`);
  }
  const told = proposals.map(({ dataset, problem }) => `${dataset.title}: ${problem?.text ?? ''}`).join('; ');
  const rules = proposals.flatMap(({ problem }) => problem?.rule ?? []);
  if (rules.length === 0) return noData(`the goal names no data, and no public data may be used: ${told}.`);
  return {
    noData: {
      reason: 'ForbiddenByPolicy',
      message: `The goal names no data, and no public data may be used: ${told}.`,
      remedy: `${WHERE} Or ask the platform team to allow the licence of one of them.`,
      rules,
    },
  };
}

function noData(why: string): NoData {
  return { noData: { reason: 'NoData', message: why.charAt(0).toUpperCase() + why.slice(1), remedy: WHERE } };
}
