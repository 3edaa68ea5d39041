import type { Catalog } from '../../catalog/catalog.ts';
import type { IntentDraft } from '../types.ts';
import type { Budget } from './budget.ts';

export type DraftQuestion = IntentDraft['questions'][number];

/** A question about the field that answers it, with an answer as an example. */
export function ask(field: string, question: string, example: string): DraftQuestion {
  return { field, question, example };
}

/** What a budget is worth in US dollars, at the catalog's dated rate. */
export function usd({ amount, currency }: Budget, { fx }: Pick<Catalog, 'fx'>): number {
  return Number(amount) * Number(fx.rates[currency] ?? 1);
}

/** A figure as a sum shows it: two decimals below a hundred, none above. */
export function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
