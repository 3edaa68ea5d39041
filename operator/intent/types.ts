import type { Contract } from '@kriptik/crds';
import type { z } from 'zod';
import type { intentDraft } from './draft-schema.ts';

/** What was read out of a goal's text; it has no authority. */
export type IntentDraft = z.infer<typeof intentDraft>;

/** Who read the text; part of the contract. */
export type ParsedBy = Contract['parsedBy'];

export interface Question {
  readonly field: string;
  readonly question: string;
  readonly example?: string;
}

/** The outcome of reading a goal. `inputHash` and `source` go to the goal's status. */
export type IntentResult = { readonly inputHash: string; readonly parsedBy: ParsedBy } & (
  | { readonly outcome: 'Planned'; readonly contract: Contract; readonly notes: readonly string[] }
  | { readonly outcome: 'NeedsClarification'; readonly questions: readonly Question[] }
  | { readonly outcome: 'Refused'; readonly reason: string }
);
