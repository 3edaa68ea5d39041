import type { MethodName, Modality } from '@kriptik/crds';

/** How many examples a way of training wants. Below `least` it rarely works; from `good` on it usually does. */
export interface Need {
  readonly least: number;
  readonly good: number;
  /** More than this only costs. */
  readonly enough?: number;
  readonly unit: 'examples' | 'pairs' | 'prompts' | 'pictures' | 'clips' | 'minutes';
  readonly source: string;
}

/** What a plan trains on, as the thresholds look at it. */
export interface Amount {
  readonly modality: Modality;
  readonly method: MethodName;
  readonly capability: string;
  readonly rows: number;
  /** Of sound, where it is known. */
  readonly minutes?: number;
}

export type Verdict = 'too-few' | 'few' | 'enough' | 'plenty';

const MUSIC = /music|song|melod/;

const PAIRS: Need = {
  least: 200,
  good: 500,
  enough: 100_000,
  unit: 'pairs',
  source: '500 pairs before a first DPO run: docs.openpipe.ai/features/dpo; 61,000 for Zephyr: arXiv:2310.16944',
};
const PROMPTS: Need = {
  least: 500,
  good: 5000,
  unit: 'prompts',
  source: '31,000 prompts for InstructGPT: arXiv:2203.02155; 7,500 for GSM8K: arXiv:2110.14168',
};
const SUBJECT: Need = {
  least: 3,
  good: 5,
  enough: 30,
  unit: 'pictures',
  source: '3 to 5 pictures of a subject: arXiv:2208.12242, arXiv:2208.01618',
};
const STYLE: Need = {
  least: 10,
  good: 25,
  enough: 500,
  unit: 'pictures',
  source: 'pictures of one style for a LoRA: huggingface.co/blog/sdxl_lora_advanced_script',
};
const FULL_PICTURES: Need = {
  least: 500,
  good: 5000,
  unit: 'pictures',
  source: '833 captioned pictures for a small full run: huggingface.co/datasets/lambdalabs/pokemon-blip-captions',
};
const CLIPS: Need = {
  least: 10,
  good: 25,
  enough: 500,
  unit: 'clips',
  source: '50 to 100 clips of one concept: diffusers examples/cogvideo/README.md',
};
const FULL_CLIPS: Need = {
  ...CLIPS,
  least: 1000,
  good: 10_000,
  source: 'video models forget where few clips move all weights',
};
const VOICE: Need = {
  least: 2,
  good: 15,
  enough: 240,
  unit: 'minutes',
  source: 'minutes of one clean voice: docs.coqui.ai XTTS fine-tuning; PlayVoice/lora-svc, more than ten minutes',
};
const SPEECH: Need = {
  least: 60,
  good: 480,
  unit: 'minutes',
  source: '8 hours for a new language: huggingface.co/blog/fine-tune-whisper',
};
const SONGS: Need = {
  least: 10,
  good: 120,
  unit: 'minutes',
  source: 'some ten tracks for a style of music: replicate.com/blog/fine-tune-musicgen',
};
const FULL_SONGS: Need = {
  least: 6000,
  good: 60_000,
  unit: 'minutes',
  source: '20,000 hours trained MusicGen: arXiv:2306.05284; a full fine-tune wants a good part of a thousand',
};
const FULL_TEXT: Need = {
  least: 1000,
  good: 10_000,
  unit: 'examples',
  source: '52,000 examples for Alpaca: tatsu-lab/stanford_alpaca; full training forgets more: arXiv:2405.09673',
};
const TEXT: Need = {
  least: 50,
  good: 500,
  enough: 200_000,
  unit: 'examples',
  source:
    '50 to 100 for a first effect: platform.openai.com/docs/guides/fine-tuning; 1,000 chosen ones: arXiv:2305.11206',
};
const LOOKING: Need = {
  least: 100,
  good: 1000,
  unit: 'examples',
  source: 'some thousand pictures with answers: arXiv:2304.08485 tunes on 158,000',
};

/** What a method wants of a modality. */
export function needOf({ modality, method, capability }: Pick<Amount, 'modality' | 'method' | 'capability'>): Need {
  if (method === 'dpo') return PAIRS;
  if (method === 'rlhf') return PROMPTS;
  if (method === 'dreambooth' || method === 'textual-inversion') return SUBJECT;
  if (method === 'voice-clone') return VOICE;
  const full = method === 'full';
  switch (modality) {
    case 'image':
      return full ? FULL_PICTURES : capability === 'subject-image' ? SUBJECT : STYLE;
    case 'video':
      return full ? FULL_CLIPS : CLIPS;
    case 'audio':
      if (MUSIC.test(capability)) return full ? FULL_SONGS : SONGS;
      return /voice|text-to-speech|singing/.test(capability) ? VOICE : SPEECH;
    case 'multimodal':
      return LOOKING;
    case 'llm':
    case 'code':
      return full ? FULL_TEXT : TEXT;
  }
}

/** Whether there are enough examples, and what to do where there are too few or more than help. */
export function judgeAmount(amount: Amount): {
  readonly verdict: Verdict;
  readonly need: Need;
  readonly advice?: string;
} {
  const need = needOf(amount);
  const have = need.unit === 'minutes' ? amount.minutes : amount.rows;
  if (have === undefined) return { verdict: 'enough', need };
  const told = `${format(have)} ${need.unit}`;
  if (have < need.least) {
    return {
      verdict: 'too-few',
      need,
      advice: `${told} are too few for this method, which wants ${format(need.good)} or more: ${more(amount, need)}`,
    };
  }
  if (have < need.good) {
    return {
      verdict: 'few',
      need,
      advice: `${told} work, but ${format(need.good)} or more would do better: ${more(amount, need)}`,
    };
  }
  if (need.enough !== undefined && have > need.enough) {
    return {
      verdict: 'plenty',
      need,
      advice: `${told} are more than help: the best ${format(need.enough)} teach the same for less. Drop near-duplicates and weak ones first.`,
    };
  }
  return { verdict: 'enough', need };
}

function more({ method, modality }: Amount, { unit }: Need): string {
  if (unit === 'pairs') return 'collect more pairs, or begin with supervised tuning on the chosen answers.';
  if (unit === 'prompts') return 'collect prompts whose answers can be checked, or use DPO on pairs instead.';
  if (unit === 'minutes') return 'record more, in one room with one microphone, and cut silence out.';
  if (unit === 'pictures') return 'add pictures from other angles, in other light and before other backgrounds.';
  if (unit === 'clips') return 'cut more short clips of the same motion or style, and caption each.';
  if (method === 'full') return 'use LoRA, which forgets less from few examples, or add a public set of the same kind.';
  return modality === 'multimodal'
    ? 'label more pictures, or begin with a public set of the same kind.'
    : 'write more examples of what is asked for most, or put the facts into the prompt and tune only the tone.';
}

function format(value: number): string {
  return Math.round(value).toLocaleString('en');
}
