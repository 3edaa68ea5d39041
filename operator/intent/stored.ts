import { hashOf } from '../digest.ts';
import { intentDraft } from './draft-schema.ts';
import type { IntentDraft, ParsedBy } from './types.ts';

/** A parser's answer as it is kept on the goal's status: a text is read once, and never differently afterwards. */
export interface StoredDraft {
  /** SHA-256 of the text that was read. */
  readonly textHash: string;
  /** Model that read it. */
  readonly model: string;
  /** Version of the prompt. */
  readonly version: string;
  /** The draft, as JSON. */
  readonly answer: string;
}

/** Longest answer that is kept, in characters; the status must fit into the API server's store. */
const LONGEST_ANSWER = 65_536;

/** Undefined for what needs no keeping: the embedded parser gives the same answer again. */
export function storeDraft(text: string, draft: IntentDraft, parsedBy: ParsedBy): StoredDraft | undefined {
  if (parsedBy.source !== 'claude') return undefined;
  const kept = JSON.stringify(draft);
  if (kept.length > LONGEST_ANSWER) return undefined;
  return { textHash: textHash(text), model: parsedBy.model ?? '', version: parsedBy.version, answer: kept };
}

/** The answer to this very text; undefined for another text, or an answer of a shape that is no longer known. */
export function recallDraft(
  text: string,
  stored: StoredDraft | undefined,
): { readonly draft: IntentDraft; readonly parsedBy: ParsedBy } | undefined {
  if (stored === undefined || stored.textHash !== textHash(text)) return undefined;
  const result = intentDraft.safeParse(json(stored.answer));
  if (!result.success) return undefined;
  return { draft: result.data, parsedBy: { source: 'claude', model: stored.model, version: stored.version } };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textHash(text: string): string {
  return hashOf({ text: text.toWellFormed() });
}
