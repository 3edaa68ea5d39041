import { steeringPart } from './attempt.ts';
import type { GoalInput } from './embedded.ts';
import { lock } from './lock.ts';
import { OFFLINE, readOffline } from './offline/parser.ts';
import { type FailureReason, ParserFailure } from './parser-failure.ts';
import type { IntentParser } from './parsers.ts';
import { recallDraft, type StoredDraft, storeDraft } from './stored.ts';
import type { IntentDraft, IntentResult, ParsedBy } from './types.ts';
import { addTokens, type Reading } from './usage.ts';

/** A parser that could not read a goal: why, and what would change that. Holds no secret. */
export interface FailedParser {
  readonly parser: string;
  readonly reason: FailureReason;
  readonly message: string;
  readonly remedy: string;
}

/** A goal as it was read, with how it was read. */
export type GoalReading = IntentResult & {
  /** Parsers that came before the one that read it, and failed. */
  readonly failures: readonly FailedParser[];
  /** The text tries to steer the planner. */
  readonly injection: boolean;
  /** The sentence that does, where one can be told. */
  readonly attempt?: string;
  /** What asking services took, failed calls included; absent when none was asked now. */
  readonly reading?: Reading;
  /** The answer to keep, so that the text is not read again. */
  readonly stored?: StoredDraft;
  /** When it was read, epoch ms; set by who keeps readings, so that one kept is billed at its own time. */
  readonly readAt?: number;
};

/**
 * Reads a goal with the first parser that can, else with the embedded one. Each parser's failure is reported in
 * `failures`; it never fails the goal. A text that `stored` already answers is not read again, however the rest of
 * the goal changed. Rejects only when `signal` aborts.
 */
export async function readGoal(
  input: GoalInput & {
    readonly parsers: readonly IntentParser[];
    readonly stored?: StoredDraft | undefined;
    readonly signal: AbortSignal;
  },
): Promise<GoalReading> {
  const { goal, catalog, parsers, signal } = input;
  const known = recallDraft(goal.goal, input.stored);
  if (known !== undefined) return { ...locked(input, known.draft, known.parsedBy), failures: [] };
  const failures: FailedParser[] = [];
  let spent: Reading | undefined;
  for (const parser of parsers) {
    try {
      const { draft, reading } = await parser.parse({ goal, catalog }, { signal });
      return { ...locked(input, draft, parser.parsedBy), failures, ...billed(spent, reading) };
    } catch (error) {
      signal.throwIfAborted();
      failures.push(failedParser(parser, error));
      if (error instanceof ParserFailure) spent = sum(spent, error.reading);
    }
  }
  return { ...locked(input, readOffline(goal.goal, catalog), OFFLINE), failures, ...billed(spent, undefined) };
}

/**
 * A parser's draft above the floor of the embedded rules: what they refuse stays refused and the attempts they see
 * stay reported, so that text which talks a model round does not pass.
 */
export function mergeEmbedded(draft: IntentDraft, embedded: IntentDraft): IntentDraft {
  return {
    ...draft,
    refusal: embedded.refusal ?? draft.refusal,
    injection: draft.injection || embedded.injection,
  };
}

function locked(
  { goal, generation, catalog, now }: GoalInput,
  draft: IntentDraft,
  parsedBy: ParsedBy,
): IntentResult & Pick<GoalReading, 'injection' | 'attempt' | 'stored'> {
  const checked = parsedBy.source === 'offline' ? draft : mergeEmbedded(draft, readOffline(goal.goal, catalog));
  const stored = storeDraft(goal.goal, draft, parsedBy);
  const attempt = checked.injection ? steeringPart(goal.goal) : undefined;
  return {
    ...lock({ draft: checked, parsedBy, goal, generation, catalog, now }),
    injection: checked.injection,
    ...(attempt !== undefined && { attempt }),
    ...(stored !== undefined && { stored }),
  };
}

function failedParser({ parsedBy }: IntentParser, error: unknown): FailedParser {
  const parser = parsedBy.model ?? parsedBy.source;
  if (error instanceof ParserFailure) {
    return { parser, reason: error.reason, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { parser, reason: 'Failed', message, remedy: 'Look into the log of the operator' };
}

function billed(spent: Reading | undefined, last: Reading | undefined): { readonly reading?: Reading } {
  const reading = sum(spent, last);
  return reading === undefined || reading.calls === 0 ? {} : { reading };
}

function sum(a: Reading | undefined, b: Reading | undefined): Reading | undefined {
  if (a === undefined || b === undefined) return b ?? a;
  return { model: b.model, calls: a.calls + b.calls, tokens: addTokens(a.tokens, b.tokens) };
}
