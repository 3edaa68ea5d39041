import type { MethodName, MethodOptions } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';
import { usualSize } from '../estimator/latents.ts';
import { usualClip } from '../estimator/sound.ts';
import { languagesOf } from './data/language.ts';
import type { DataSummary } from './data/summary.ts';
import { tasksOf } from './tasks.ts';

/** What the rules of options look at. */
export interface OptionsInput {
  readonly model: ModelSpec;
  readonly method: MethodName;
  /** What the goal sets: it wins over every rule. */
  readonly wished: MethodOptions;
  readonly data: Pick<DataSummary, 'views'>;
  /** Longest row in tokens that the run keeps. */
  readonly maxLength: number;
  /** Words of the goal, which may name a kind of preference training, or a language. */
  readonly goalText: string;
}

/** Fewest and most tokens of an answer that reinforcement learning draws. */
const ANSWER = { least: 8, most: 512 };

/**
 * Settings of one kind of model or method: what the goal sets, and what estimate and trainer must agree on, such as
 * the size of pictures. What a method does not use is left out. Undefined where there are none.
 */
export function chooseOptions(input: OptionsInput): MethodOptions | undefined {
  const usual = { ...ofMethod(input), ...ofModel(input) };
  const chosen = { ...usual, ...input.wished };
  return Object.keys(chosen).length === 0 ? undefined : chosen;
}

function ofMethod({ method, maxLength, data, wished, goalText }: OptionsInput): MethodOptions {
  switch (method) {
    case 'dpo': {
      const preference = wished.preference ?? preferenceOf(data, goalText);
      return { ...(preference !== 'dpo' && { preference }), beta: '0.1' };
    }
    case 'rlhf': {
      const reward = wished.reward ?? rewardOf(data);
      const maxCompletion = Math.min(ANSWER.most, Math.max(ANSWER.least, Math.floor(maxLength / 2)));
      return { reward, algorithm: reward === 'exact' ? 'grpo' : 'rloo', completions: 4, maxCompletion };
    }
    case 'textual-inversion':
      return { token: newWord(data) };
    case 'dreambooth':
      return { token: 'sks' };
    case 'lora':
    case 'qlora':
    case 'full':
    case 'voice-clone':
      return {};
  }
}

/** Answers with a verdict each are for KTO; over pairs the words of the goal choose. */
function preferenceOf({ views }: OptionsInput['data'], goalText: string): NonNullable<MethodOptions['preference']> {
  if (views.some(({ form }) => form === 'judged') || /\bkto\b/i.test(goalText)) return 'kto';
  return /\borpo\b/i.test(goalText) ? 'orpo' : 'dpo';
}

/** Pairs of answers train a model that marks; other rows hold the answer that is expected. */
function rewardOf({ views }: OptionsInput['data']): 'model' | 'exact' {
  return views.length > 0 && views.every(({ preferencePairs }) => preferencePairs === false) ? 'exact' : 'model';
}

/** A word that no vocabulary knows: the name of the pictures in angle brackets. */
function newWord({ views }: OptionsInput['data']): string {
  const name = views[0]?.planned.name ?? 'subject';
  return `<${name}>`;
}

function ofModel({ model, method, goalText }: OptionsInput): MethodOptions {
  switch (model.modality) {
    case 'image':
      return { resolution: usualSize(model).resolution };
    case 'video':
      return usualSize(model);
    case 'audio':
      return ofSound(model, method, languagesOf(goalText));
    case 'llm':
    case 'code':
    case 'multimodal':
      return {};
  }
}

/** Recordings of a voice are taken as long as they are. */
function ofSound(model: ModelSpec, method: MethodName, [language = 'en']: readonly string[]): MethodOptions {
  return {
    ...(method !== 'voice-clone' && { seconds: String(usualClip(model)) }),
    ...(!tasksOf(model).includes('sound-effects') && { language }),
  };
}
