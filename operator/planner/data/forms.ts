/** What the columns of a source's rows can teach: which of two answers is better, whether one is good, and so on. */
export type RowForm = 'pairs' | 'judged' | 'prompts' | 'answers' | 'text';

/** Column sets of the trainer, in the order in which they tell a form. */
const COLUMNS: readonly (readonly [RowForm, readonly string[]])[] = [
  ['pairs', ['chosen', 'rejected']],
  ['judged', ['prompt', 'completion', 'label']],
  ['prompts', ['prompt', 'expected']],
  ['answers', ['messages']],
  ['answers', ['prompt', 'completion']],
  ['answers', ['instruction', 'output']],
  ['answers', ['question', 'answer']],
  ['text', ['text']],
];

/** The form of rows with these columns; undefined where they tell none. */
export function formOf(columns: readonly string[]): RowForm | undefined {
  return COLUMNS.find(([, names]) => names.every((name) => columns.includes(name)))?.[0];
}
