import type { MethodName, Modality } from '@kriptik/crds';
import type { Mention } from '../../catalog/mention.ts';
import type { IntentDraft } from '../types.ts';

type DraftQuestion = IntentDraft['questions'][number];

export interface ClarityInput {
  readonly text: string;
  readonly modality: Modality | null;
  readonly capability: string | null;
  /** Summed weight of the rules that spoke for the modality. */
  readonly confidence: number;
  readonly model: Mention | undefined;
  readonly methods: readonly MethodName[];
  readonly gpuMemoryGb: number | null;
  readonly gpuCount: number | null;
  readonly budgetUsd: number | null;
}

/** What must be known before a goal can be planned responsibly: purpose, and wishes that exclude each other. */
export function readClarity(input: ClarityInput): {
  readonly questions: readonly DraftQuestion[];
  readonly conflict: boolean;
} {
  const conflict = conflictOf(input);
  if (conflict !== null) return { questions: [conflict], conflict: true };
  return { questions: isVague(input) ? [whatFor(input)] : [], conflict: false };
}

/** A modality alone is no goal: it needs a task, a base model or a method that implies one. */
function isVague({ modality, confidence, model, methods, text }: ClarityInput): boolean {
  if (modality === null) return true;
  if (model !== undefined || methods.length > 0) return false;
  return confidence < 3 || (confidence < 4 && text.length < 60);
}

function whatFor({ modality }: ClarityInput): DraftQuestion {
  if (modality === 'image') {
    return {
      field: 'spec.goal',
      question:
        'What should the pictures show: one subject, a style, or a kind of scene? And what are your own pictures of?',
      example: 'Draw product icons in the style of our 40 existing icons.',
    };
  }
  return {
    field: 'spec.goal',
    question: 'What should the model do? Describe its input, the output you want, and the data you have.',
    example: 'Answer customer questions in the tone of our support team, from 2,000 past tickets.',
  };
}

function conflictOf(input: ClarityInput): DraftQuestion | null {
  const { gpuMemoryGb, gpuCount, budgetUsd, model, methods, text, modality } = input;
  const sizeB = model?.sizeB ?? defaultSizeB(model);
  const full = methods[0] === 'full';
  if (gpuMemoryGb !== null && modality !== null) {
    const needed = leastMemoryGb(modality, sizeB, full);
    const available = gpuMemoryGb * Math.max(1, gpuCount ?? 1);
    const countIsOpen = gpuCount === null && gpuMemoryGb >= 40;
    if (needed > available && insists(text) && !countIsOpen) {
      return {
        field: 'spec.constraints',
        question: `This needs at least ${Math.ceil(needed)} GB of GPU memory, and the text allows ${available} GB. May it run on a larger GPU, or on a smaller model?`,
        example: 'Use QLoRA on a rented 24 GB GPU.',
      };
    }
  }
  if (budgetUsd === 0) {
    return {
      field: 'spec.budget.limit',
      question: 'A budget of zero pays for no training. How much may it cost at most, in US dollars?',
      example: '25.00',
    };
  }
  if (budgetUsd !== null && sizeB !== undefined && full && budgetUsd < sizeB * 0.5) {
    return {
      field: 'spec.budget.limit',
      question: `Training all weights of a ${sizeB} B model costs far more than $${budgetUsd}. May the budget be higher, or is LoRA enough?`,
      example: String(Math.ceil(sizeB * 20)),
    };
  }
  if (/from scratch/.test(text) && budgetUsd !== null && budgetUsd < 2000 && (sizeB ?? 1) >= 1) {
    return {
      field: 'spec.goal',
      question: `A model of that size cannot be trained from scratch for $${budgetUsd}. Is fine-tuning an existing model enough?`,
      example: 'Fine-tune Qwen2.5 7B instead.',
    };
  }
  return null;
}

/** Least GPU memory of any method (or of full training) that works, in GB; generous to the asker. */
function leastMemoryGb(modality: Modality, sizeB: number | undefined, full: boolean): number {
  if (modality === 'image') return 5;
  if (modality === 'video') return (sizeB ?? 1.3) > 5 ? (full ? 80 : 16) : 8;
  if (modality === 'audio') return 4;
  if (sizeB === undefined) return 3;
  return full ? sizeB * 8 : sizeB * 0.6 + 1;
}

function defaultSizeB(model: Mention | undefined): number | undefined {
  const sizes: Readonly<Record<string, number>> = { 'wan2.1': 1.3, sdxl: 2.6, 'sd-1.5': 0.9 };
  return model === undefined ? undefined : sizes[model.family.id];
}

/** The hardware is a condition, not a question about it. */
function insists(text: string): boolean {
  return !/(?:够不够|是否够|最少|几张|how many|how much|enough\?|sufficient\?|possible\?|can i\b|is it possible|could i|reicht)/.test(
    text,
  );
}
