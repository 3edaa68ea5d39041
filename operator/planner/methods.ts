import type { Contract, MethodName, Modality } from '@kriptik/crds';

/** A training method as the Method tile explains it. */
export interface MethodFacts {
  readonly title: string;
  readonly summary: string;
  readonly strength: string;
  readonly modalities: readonly Modality[];
}

const ALL: readonly Modality[] = ['llm', 'code', 'multimodal', 'image', 'video', 'audio'];
const TEXT: readonly Modality[] = ['llm', 'code', 'multimodal'];

export const METHODS: Readonly<Record<MethodName, MethodFacts>> = {
  lora: {
    title: 'LoRA',
    summary: 'Trains small added matrices and leaves the base weights as they are.',
    strength: 'close to full training on most tasks, for a fraction of the memory; the result is a small file',
    modalities: ALL,
  },
  qlora: {
    title: 'QLoRA',
    summary: 'LoRA over a base held in 4 bits: the least memory, somewhat slower.',
    strength: 'fits a model on a card four times smaller than LoRA needs, at 20-45 % less speed',
    modalities: TEXT,
  },
  full: {
    title: 'Full fine-tune',
    summary: 'Trains every weight: the most memory and the most room to learn.',
    strength: 'learns the most from large data, and forgets the most from small data',
    modalities: ALL,
  },
  dpo: {
    title: 'DPO',
    summary: 'Learns from pairs of a better and a worse answer, without a reward model.',
    strength: 'changes how the model answers rather than what it knows',
    modalities: TEXT,
  },
  rlhf: {
    title: 'RLHF',
    summary: 'Reinforcement learning against a reward model or checkable answers.',
    strength: 'reaches behaviour that examples alone do not show, at several times the cost',
    modalities: TEXT,
  },
  dreambooth: {
    title: 'DreamBooth',
    summary: 'Binds one subject to a word, with class pictures against forgetting.',
    strength: 'the truest likeness of one subject from a handful of pictures',
    modalities: ['image'],
  },
  'textual-inversion': {
    title: 'Textual inversion',
    summary: 'Learns a new word only: a file of a few kilobytes.',
    strength: 'the smallest result, and the weakest likeness',
    modalities: ['image'],
  },
  'voice-clone': {
    title: 'Voice clone',
    summary: 'Fine-tunes a speech model on recordings of one consenting speaker.',
    strength: 'speaks new text in that voice',
    modalities: ['audio'],
  },
};

/** The methods to consider for a contract, best first: the stated ones, or all that make sense for the modality. */
export function methodsFor(contract: Contract): readonly MethodName[] {
  const possible = names.filter((name) => METHODS[name].modalities.includes(contract.modality));
  const preferred = (contract.constraints.method ? [contract.constraints.method] : (contract.methods ?? [])).filter(
    (name) => possible.includes(name),
  );
  return [...preferred, ...possible.filter((name) => !preferred.includes(name))];
}

/** Methods the planner may pick by itself: what was stated, else what the contract finds acceptable. */
export function acceptableMethods(contract: Contract): readonly MethodName[] {
  if (contract.constraints.method !== undefined) return [contract.constraints.method];
  const acceptable = contract.methods ?? [];
  return acceptable.length > 0 ? acceptable : ['lora', 'qlora'];
}

const names = Object.keys(METHODS) as MethodName[];
