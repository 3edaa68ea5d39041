import type { Contract, TrainingGoalSpec } from '@kriptik/crds';
import type { Fx } from '../catalog/catalog.ts';
import type { MicroUsd } from '../money.ts';
import { formatMoney, formatUsd, mulRatio, parseMoney } from '../money.ts';
import type { IntentDraft, Question } from './types.ts';

const ALERT_AT = 80;
const WARN_AT = 95;

type LockedBudget = { readonly budget: Contract['budget']; readonly notes: readonly string[] };

/**
 * The effective limit: the lower of spec.budget.limit and what the text says.
 * So text may be stricter than the field, never more generous. Foreign money
 * is converted at the catalog's dated rate, rounded down.
 */
export function lockBudget(
  goal: TrainingGoalSpec,
  draft: IntentDraft,
  fx: Fx,
): LockedBudget | { readonly question: Question } {
  const spec = goal.budget;
  const text = draft.budget === null ? undefined : toUsd(draft.budget, fx);
  if (spec === undefined && text === undefined) return { question: askForBudget(draft) };
  const fromSpec = spec === undefined ? undefined : parseMoney(spec.limit, 'spec.budget.limit');
  const useText = text !== undefined && (fromSpec === undefined || text.amount < fromSpec);
  const limit = useText ? text.amount : fromSpec;
  if (limit === undefined || limit === 0) return { question: askForBudget(draft) };
  return {
    budget: {
      limit: formatMoney(limit),
      currency: 'USD',
      alertAt: spec?.alertAt ?? ALERT_AT,
      warnAt: spec?.warnAt ?? WARN_AT,
      source: useText ? 'text' : 'spec',
    },
    notes: notesOn(text, fromSpec),
  };
}

interface TextBudget {
  readonly amount: MicroUsd;
  readonly note?: string;
}

function toUsd({ amount, currency }: NonNullable<IntentDraft['budget']>, fx: Fx): TextBudget | undefined {
  const code = currency.toUpperCase();
  const rate = fx.rates[code];
  if (rate === undefined || !/^\d{1,9}(\.\d{1,6})?$/.test(amount)) return undefined;
  const native = parseMoney(amount.replace(/^0+(?=\d)/, ''), 'budget in the text');
  if (code === 'USD') return { amount: native };
  const usd = mulRatio(native, parseMoney(rate, 'rate'), 1_000_000, 'down');
  return { amount: usd, note: `${amount} ${code} is ${formatUsd(usd)} at ${rate} (${fx.source}, ${fx.asOf}).` };
}

function notesOn(text: TextBudget | undefined, spec: MicroUsd | undefined): readonly string[] {
  const notes = text?.note === undefined ? [] : [text.note];
  if (text === undefined || spec === undefined || text.amount === spec) return notes;
  const verdict =
    text.amount < spec
      ? `The text says ${formatUsd(text.amount)}, spec.budget.limit ${formatUsd(spec)}: the lower one holds.`
      : `The text says ${formatUsd(text.amount)}; spec.budget.limit, ${formatUsd(spec)}, holds: text cannot raise a limit.`;
  return [...notes, verdict];
}

function askForBudget(draft: IntentDraft): Question {
  const unread =
    draft.budget === null ? '' : ` ${draft.budget.amount} ${draft.budget.currency} could not be converted.`;
  return {
    field: 'spec.budget.limit',
    question: `How much may this cost at most, in US dollars?${unread} Training freezes with a checkpoint before the limit is reached.`,
    example: '25.00',
  };
}
