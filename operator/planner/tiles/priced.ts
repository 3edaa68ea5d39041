import type { Tile } from '@kriptik/crds';
import { addMoney, formatMoney } from '../../money.ts';
import type { Selection } from '../decide.ts';
import type { Figures } from '../figures.ts';
import { figuresOf } from '../figures.ts';
import type { Decided, Planning } from '../planning.ts';
import { hoursText } from '../quote.ts';
import { SelectionError } from '../selection.ts';

type Alternative = Tile['alternatives'][number];

/** A plan while its tiles are made. */
export interface PlanDraft extends Decided {
  readonly planning: Planning;
  readonly selection: Selection;
  readonly figures: Figures;
  /** When the plan is shown: prices grow old. */
  readonly now: Date;
}

/** What a choice would give: the plan, or why there is none. */
type Priced = { readonly decided: Decided; readonly figures: Figures } | { readonly why: string };

/** The plan with one more choice made. */
export function decideWith({ planning, selection }: PlanDraft, change: Selection): Priced {
  try {
    const outcome = planning.decideWith({ ...selection, ...change });
    if ('noData' in outcome) return { why: outcome.noData.message };
    if ('unknown' in outcome) return { why: `the catalog has no model ${outcome.unknown}` };
    if ('failure' in outcome) return { why: outcome.failure.best?.problem?.text ?? 'nothing at hand can train it' };
    const figures = figuresOf(outcome.decision, outcome.context.limit);
    const { ceiling } = planning;
    const needed = addMoney(figures.cost.total.expected, figures.cost.reserve);
    if (!figures.fits && ceiling !== undefined && needed > ceiling.amount) return { why: ceiling.text };
    return { decided: outcome, figures };
  } catch (error) {
    if (error instanceof SelectionError) return { why: error.message };
    throw error;
  }
}

/** One alternative of a tile, priced by making that choice, or with the reason why it cannot be made. */
export function alternative(
  draft: PlanDraft,
  change: Selection,
  title: string,
  describe: (priced: { readonly decided: Decided; readonly figures: Figures } | undefined) => string,
): Alternative {
  const [id = ''] = Object.values(change);
  const priced = decideWith(draft, change);
  if ('why' in priced) {
    return { id, title: cut(title, 253), summary: cut(describe(undefined)), available: false, reason: cut(priced.why) };
  }
  const { decided, figures } = priced;
  return {
    id,
    title: cut(title, 253),
    summary: cut([describe(priced), ...movedBy(draft, decided, change)].join(' ')),
    available: true,
    ...(figures.fits ? {} : { reason: 'Does not fit the limit: training would freeze before the end.' }),
    cost: formatMoney(figures.cost.total.expected),
    hours: hoursText(figures.seconds.expected),
  };
}

/** Warnings only where there are some. */
export function warningsOf(warnings: readonly string[]): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings: [...new Set(warnings)].slice(0, 16).map((text) => cut(text)) };
}

/** A text as long as the API carries it. */
export function cut(text: string, most = 1024): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** Other tiles that a choice moves along. */
function movedBy(draft: PlanDraft, { decision, context }: Decided, change: Selection): readonly string[] {
  const before = draft.decision.chosen;
  const after = decision.chosen;
  const moved = [
    ...(change.model === undefined && after.model.id !== before.model.id ? [after.model.title] : []),
    ...(change.method === undefined && after.method !== before.method
      ? [context.catalog.methods.find(({ id }) => id === after.method)?.title ?? after.method]
      : []),
  ];
  return moved.length === 0 ? [] : [`It then trains ${moved.join(' with ')}.`];
}

/** A clause as a sentence of its own. */
export function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1).replace(/\.+$/, '')}.`;
}
