import type { Contract, TrainingGoalSpec } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import { inputHash, workHash } from './hash.ts';
import { lockBudget } from './lock-budget.ts';
import { lockData } from './lock-data.ts';
import { lockDeadline } from './lock-deadline.ts';
import { lockWishes } from './lock-wishes.ts';
import type { IntentDraft, IntentResult, ParsedBy, Question } from './types.ts';

export interface LockInput {
  readonly draft: IntentDraft;
  readonly parsedBy: ParsedBy;
  readonly goal: TrainingGoalSpec;
  /** metadata.generation of the goal that was read. */
  readonly generation: number;
  readonly catalog: Catalog;
  /** Epoch ms, for telling that a date is past; absent = dates are not judged. */
  readonly now?: number | undefined;
}

/**
 * Turns a draft into a contract. The spec's fields win over the text; the text
 * fills what the spec leaves open and can lower a limit, never raise one. What
 * is still missing becomes questions that name the field to fill.
 */
export function lock(input: LockInput): IntentResult {
  const { draft, parsedBy, goal, generation } = input;
  const common = { inputHash: inputHash(goal), parsedBy };
  if (draft.refusal !== null) return { ...common, outcome: 'Refused', reason: draft.refusal };

  const constraints = goal.constraints ?? {};
  const modality = constraints.modality ?? draft.modality;
  const budget = lockBudget(goal, draft, input.catalog.fx);
  const data = lockData(goal, draft);
  const deadline = lockDeadline(constraints, draft, input.now);
  const questions: Question[] = [
    ...draft.questions.map(fromDraft).filter(({ field }) => !answered(field, goal)),
    ...(modality === null ? [whatModality] : []),
    ...deadline.questions,
    ...('question' in budget ? [budget.question] : []),
    ...('question' in data ? [data.question] : []),
  ];
  if (questions.length > 0 || modality === null || 'question' in budget || 'question' in data) {
    return { ...common, outcome: 'NeedsClarification', questions: distinct(questions) };
  }

  const derived = lockWishes(constraints, draft, input.catalog);
  const notes = [
    ...draft.assumptions,
    ...budget.notes,
    ...data.notes,
    ...derived.notes,
    ...deadline.notes,
    ...(draft.injection ? ['Parts of the text that try to steer the planner were left out.'] : []),
  ];
  const model = constraints.model ?? draft.model ?? undefined;
  const methods = constraints.method === undefined ? draft.methods : [constraints.method];
  const contract: Contract = {
    goalText: goal.goal,
    inputHash: workHash(goal),
    goalGeneration: generation,
    parsedBy,
    modality,
    capability: short(draft.capability ?? defaultCapability[modality], 512),
    summary: short(draft.summary, 2048),
    quality: constraints.quality ?? draft.quality ?? 'standard',
    ...(model !== undefined && { model: short(model, 253) }),
    ...(goal.baseModel !== undefined && { baseModel: { ...goal.baseModel } }),
    ...(goal.consent !== undefined && { consent: { ...goal.consent } }),
    methods: [...new Set(methods)].slice(0, 8),
    methodStated: constraints.method !== undefined || draft.methodStated,
    data: data.sources,
    ...(draft.datasetHint !== null && { datasetHint: short(draft.datasetHint, 512) }),
    output: goal.output ?? [],
    budget: budget.budget,
    constraints: derived.constraints,
    assumptions: notes.slice(0, 32).map((note) => short(note, 1024)),
  };
  return { ...common, outcome: 'Planned', contract, notes };
}

const whatModality: Question = {
  field: 'spec.goal',
  question: 'What should the model do? Describe its input and the output you want.',
  example: 'Answer customer questions in the tone of our support team.',
};

const defaultCapability = {
  llm: 'instruction-following',
  code: 'code-generation',
  image: 'text-to-image',
  video: 'text-to-video',
  audio: 'audio-generation',
  multimodal: 'visual-question-answering',
} as const;

/** A question of the draft that a field of the spec already answers. */
function answered(field: string, goal: TrainingGoalSpec): boolean {
  switch (field) {
    case 'spec.budget.limit':
      return goal.budget !== undefined;
    case 'spec.data':
      return (goal.data?.length ?? 0) > 0;
    case 'spec.constraints.model':
      return goal.constraints?.model !== undefined || goal.baseModel !== undefined;
    case 'spec.constraints.method':
      return goal.constraints?.method !== undefined;
    default:
      return false;
  }
}

function fromDraft({ field, question, example }: IntentDraft['questions'][number]): Question {
  return { field, question, ...(example !== null && { example }) };
}

function distinct(questions: readonly Question[]): readonly Question[] {
  return questions.filter(({ field }, index) => questions.findIndex((other) => other.field === field) === index);
}

function short(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
