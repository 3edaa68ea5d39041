import type { MethodName } from '@kriptik/crds';
import type { BudgetWords } from './budget.ts';
import type { DraftQuestion } from './conflict-sums.ts';
import { lexiconFile, type Words, wordTest } from './lexicon.ts';
import type { Task } from './task.ts';

export interface ClarityInput {
  /** Folded. */
  readonly text: string;
  readonly task: Task;
  /** The text names a base model. */
  readonly hasModel: boolean;
  readonly named: readonly MethodName[];
  readonly budget: BudgetWords;
}

const isVagueWording = wordTest(lexiconFile<Readonly<Record<string, Words>>>('clarity.yaml')['vague'] ?? {});

/** What must be known before a goal can be planned responsibly: at most three questions, each with its field. */
export function readClarity(input: ClarityInput): readonly DraftQuestion[] {
  const { unusable } = input.budget;
  return [...(isVague(input) ? whatFor(input) : []), ...(unusable === null ? [] : [usableBudget(unusable)])].slice(
    0,
    3,
  );
}

/** A modality alone is no goal: it needs a task, a base model or a method that implies one. */
function isVague({ task, hasModel, named, text }: ClarityInput): boolean {
  if (hasModel && task.modality !== null) return false;
  const implied = named.some((method) => method !== 'lora' && method !== 'qlora' && method !== 'full');
  if (isVagueWording(text) && task.confidence < 14 && !implied) return true;
  if (task.modality === null) return true;
  return !task.specific && !implied;
}

function whatFor({ task }: ClarityInput): readonly DraftQuestion[] {
  const purpose: DraftQuestion =
    task.modality === 'image'
      ? {
          field: 'spec.goal',
          question:
            'What should the pictures show: one subject, a style, or a kind of scene? Or should the model read pictures?',
          example: 'Draw product icons in the style of our 40 existing icons.',
        }
      : {
          field: 'spec.goal',
          question: 'What should the model do? Describe its input and the output you want.',
          example: 'Answer customer questions in the tone of our support team.',
        };
  const data: DraftQuestion = {
    field: 'spec.data',
    question: 'What data show it how: what is one example, how many are there, and where do they lie?',
    example: '2,000 past tickets with answers in s3://bucket/tickets.jsonl',
  };
  return [purpose, data];
}

function usableBudget({ words, why }: NonNullable<BudgetWords['unusable']>): DraftQuestion {
  const problem = {
    negative: `"${words}" is less than nothing.`,
    absurd: `"${words}" is more than any training costs.`,
    currency: `The currency of "${words}" is not known.`,
  }[why];
  return {
    field: 'spec.budget.limit',
    question: `${problem} How much may it cost at most, in US dollars?`,
    example: '25.00',
  };
}
