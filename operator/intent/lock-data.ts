import type { DataSource, TrainingGoalSpec } from '@kriptik/crds';
import type { IntentDraft, Question } from './types.ts';

/**
 * The training data: spec.data, else addresses named in the text. A path on the
 * operator's machine counts only in spec.data, where it is plain to reviewers.
 */
export function lockData(
  goal: TrainingGoalSpec,
  draft: IntentDraft,
): { readonly sources: DataSource[]; readonly notes: readonly string[] } | { readonly question: Question } {
  const rows = draft.rows !== null && draft.rows >= 1 ? Math.floor(draft.rows) : undefined;
  const stated = goal.data ?? [];
  if (stated.length > 0) return withRows(stated, rows);
  const named = draft.dataUris.filter((uri) => /^(s3|https|pvc|hf):\/\/\S+$/.test(uri)).slice(0, 16);
  if (named.length === 0) {
    return speaksOfOwnData(goal, draft)
      ? { question: askForData(draft) }
      : { sources: [], notes: ['The text names no data: the plan proposes public data where there is some.'] };
  }
  const { sources, notes } = withRows(
    named.map((uri) => ({ uri })),
    rows,
  );
  return { sources, notes: [...notes, `The text names the data: ${named.join(', ')}.`] };
}

const OURS =
  /\b(?:our|ours|my|mine|unser\w*|mein\w*|eigene\w*|nuestr\w+|mis?|propi\w+|notre|nos|mon|mes)\b|我们|我的|自己的|मेरे|हमारे|私の|自社/i;

/**
 * Whether the author has data to name: its words, a number of examples, a path
 * or a plain "our". Where none of them stands the planner proposes public data.
 */
function speaksOfOwnData({ goal }: TrainingGoalSpec, { datasetHint, rows }: IntentDraft): boolean {
  return datasetHint !== null || rows !== null || goal.includes('file://') || OURS.test(goal);
}

/** A number of examples in the text counts for a single source that states none. */
function withRows(sources: readonly DataSource[], rows: number | undefined) {
  const [only] = sources;
  if (sources.length !== 1 || only === undefined || only.rows !== undefined || rows === undefined) {
    return { sources: sources.map((source) => ({ ...source })), notes: [] };
  }
  return { sources: [{ ...only, rows }], notes: [`The text speaks of ${rows.toLocaleString('en')} examples.`] };
}

function askForData(draft: IntentDraft): Question {
  const what = draft.datasetHint === null ? 'the training data' : `the training data (${draft.datasetHint})`;
  return {
    field: 'spec.data',
    question: `Where is ${what}? Give at least one address: file://, s3://, https://, pvc:// or hf://datasets/.`,
    example: '[{"uri": "s3://bucket/answers.jsonl"}]',
  };
}
