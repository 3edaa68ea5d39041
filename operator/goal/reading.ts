import type { Condition, Parsing, TrainingGoalStatus } from '@kriptik/crds';
import type { FailedParser, GoalReading } from '../intent/parse.ts';
import { type Reading, readingCost, type TokenPrice } from '../intent/usage.ts';
import { formatMoney } from '../money.ts';
import { removeConditions, setCondition } from '../runtime/conditions.ts';

type Intent = NonNullable<TrainingGoalStatus['intent']>;

/** The text was read by the embedded parser because the one that comes first could not. */
export const PARSER_FALLBACK = 'ParserFallback';
/** The text tries to steer the planner; the rest of it is planned. */
export const INJECTION_REPORTED = 'InjectionReported';

interface IntentContext {
  /** What the status said before. */
  readonly before: Intent | undefined;
  readonly prices: { readonly asOf: string; readonly models: readonly TokenPrice[] };
  /** Epoch ms. */
  readonly now: number;
}

/** What was read out of a goal, for its status. A stored answer keeps the bill it came with. */
export function intentOf(reading: GoalReading, { before, prices, now }: IntentContext): Intent {
  const { inputHash, outcome, stored } = reading;
  const parsing =
    reading.reading === undefined ? before?.parsing : parsingOf(reading.reading, prices, reading.readAt ?? now);
  return {
    inputHash,
    outcome,
    source: reading.parsedBy.source,
    ...(outcome === 'NeedsClarification' && { questions: reading.questions.map((one) => ({ ...one })) }),
    ...(outcome === 'Refused' && { reason: reading.reason }),
    ...(parsing !== undefined && { parsing }),
    ...(stored !== undefined && { draft: stored }),
  };
}

function parsingOf(reading: Reading, prices: IntentContext['prices'], now: number): Parsing {
  const { model, calls, tokens } = reading;
  const cost = readingCost(reading, prices.models);
  return {
    model,
    calls,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    ...(cost !== undefined && { cost: formatMoney(cost), priceAsOf: prices.asOf }),
    at: new Date(now).toISOString(),
  };
}

/** The conditions with what a new reading says of itself; they are gone once a later one has nothing to say. */
export function readingConditions(
  reading: GoalReading,
  conditions: readonly Condition[] | undefined,
  observedGeneration: number,
  now: number,
): Condition[] {
  const [failure] = reading.failures;
  const entries = [
    failure && { type: PARSER_FALLBACK, reason: failure.reason, message: fallbackMessage(failure) },
    reading.injection && { type: INJECTION_REPORTED, reason: 'TextSteers', message: injectionMessage(reading) },
  ];
  let next = removeConditions(conditions, PARSER_FALLBACK, INJECTION_REPORTED);
  for (const entry of entries) {
    if (!entry) continue;
    const before = (conditions ?? []).filter(({ type }) => type === entry.type);
    const [set] = setCondition(before, { ...entry, status: 'True', observedGeneration }, new Date(now));
    if (set !== undefined) next = [...next, set];
  }
  return next;
}

/** What a reading says of itself, as events. */
export function readingNotes(reading: GoalReading): { readonly reason: string; readonly note: string }[] {
  return [
    ...reading.failures.map((failure) => ({ reason: PARSER_FALLBACK, note: fallbackMessage(failure) })),
    ...(reading.injection ? [{ reason: INJECTION_REPORTED, note: injectionMessage(reading) }] : []),
  ];
}

function injectionMessage({ attempt }: GoalReading): string {
  const named = attempt === undefined ? '' : `: "${attempt}"`;
  return `Parts of spec.goal address the planner instead of describing a goal${named}. They were left out, the rest was read as written, and no limit moved. If they came with pasted text, remove them from spec.goal`;
}

function fallbackMessage({ parser, reason, message, remedy }: FailedParser): string {
  return `${parser} did not read this goal (${reason}): ${message}. The embedded parser read it instead. ${remedy}. To have it read again, change spec.goal, or delete its plan before it is approved`;
}
