import type { MethodName, Modality, TrainingGoalSpec } from '@kriptik/crds';

/** An example goal, and what stands in for its base model and data: tiny ones that train in seconds. */
export interface TinyCase {
  /** Folder of `examples/`. */
  readonly example: string;
  /** What the words are read and planned as. */
  readonly modality: Modality;
  readonly method: MethodName;
  /** Maker of the base model, and the family it is built like. */
  readonly model: string;
  readonly family: string;
  /** Makers of the data, one a source of the example. */
  readonly data: string | readonly string[];
  /** Stages that train, in order; absent = one. */
  readonly stages?: readonly MethodName[];
  readonly constraints?: TrainingGoalSpec['constraints'];
  readonly consent?: true;
}

const SOUND = { seconds: '0.5', sampleSteps: 2 } as const;
const PICTURE = { resolution: 32, sampleSteps: 2 } as const;
const CLIP = { ...PICTURE, frames: 5 } as const;
const ANSWERS = { completions: 2, maxCompletion: 8 } as const;
const REINFORCED = { batchSize: 4, learningRate: '0.01' } as const;

export const FULL_FINETUNE: TinyCase = {
  example: 'full-finetune',
  modality: 'llm',
  method: 'full',
  model: 'chat-model',
  family: 'smollm2',
  data: 'chats',
};

/** Every executor of the trainer at least once, by an example of the project. */
export const TINY_CASES: readonly TinyCase[] = [
  {
    example: 'quickstart',
    modality: 'llm',
    method: 'lora',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'chats',
  },
  FULL_FINETUNE,
  {
    example: 'multilingual',
    modality: 'llm',
    method: 'qlora',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'chats',
  },
  {
    example: 'support-dpo',
    modality: 'llm',
    method: 'dpo',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'preferences',
  },
  {
    example: 'support-kto',
    modality: 'llm',
    method: 'dpo',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'judged',
  },
  {
    example: 'support-orpo',
    modality: 'llm',
    method: 'dpo',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'preferences',
  },
  {
    example: 'maths-rlhf',
    modality: 'llm',
    method: 'rlhf',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'prompts',
    constraints: { ...REINFORCED, options: { reward: 'exact', ...ANSWERS } },
  },
  {
    example: 'tone-rlhf',
    modality: 'llm',
    method: 'rlhf',
    model: 'chat-model',
    family: 'qwen2.5',
    data: 'preferences',
    constraints: { ...REINFORCED, options: { ...ANSWERS, rewardSteps: 2 } },
  },
  {
    example: 'text-to-sql',
    modality: 'code',
    method: 'qlora',
    model: 'code-model',
    family: 'qwen2.5-coder',
    data: 'chats',
  },
  {
    example: 'code-completion',
    modality: 'code',
    method: 'lora',
    model: 'code-model',
    family: 'qwen2.5-coder',
    data: 'programs',
    constraints: { options: { fillInMiddle: '0.5' } },
  },
  {
    example: 'sdxl-style',
    modality: 'image',
    method: 'lora',
    model: 'sdxl',
    family: 'sdxl',
    data: 'pictures',
    constraints: { options: PICTURE },
  },
  {
    example: 'flux-products',
    modality: 'image',
    method: 'lora',
    model: 'flux',
    family: 'flux.1',
    data: 'pictures',
    constraints: { options: PICTURE },
  },
  {
    example: 'botanical-full',
    modality: 'image',
    method: 'full',
    model: 'sd15',
    family: 'sd-1.5',
    data: 'pictures',
    constraints: { options: PICTURE },
  },
  {
    example: 'dreambooth',
    modality: 'image',
    method: 'dreambooth',
    model: 'sdxl',
    family: 'sdxl',
    data: 'subject',
    constraints: { options: PICTURE },
  },
  {
    example: 'dreambooth-flux',
    modality: 'image',
    method: 'dreambooth',
    model: 'flux',
    family: 'flux.1',
    data: 'subject',
    constraints: { options: PICTURE },
  },
  {
    example: 'textual-inversion',
    modality: 'image',
    method: 'textual-inversion',
    model: 'sd15',
    family: 'sd-1.5',
    data: 'subject',
    constraints: { options: PICTURE },
  },
  {
    example: 'wan-video',
    modality: 'video',
    method: 'lora',
    model: 'wan',
    family: 'wan2.1',
    data: 'clips',
    constraints: { options: CLIP },
  },
  {
    example: 'wan-image-to-video',
    modality: 'video',
    method: 'lora',
    model: 'wan-image',
    family: 'wan2.1-i2v',
    data: 'clips',
    constraints: { options: CLIP },
  },
  {
    example: 'wan-full',
    modality: 'video',
    method: 'full',
    model: 'wan',
    family: 'wan2.1',
    data: 'clips',
    constraints: { options: CLIP, emaDecay: '0.9' },
  },
  {
    example: 'flagship-music',
    modality: 'audio',
    method: 'full',
    model: 'ace-step',
    family: 'ace-step',
    data: 'songs',
    stages: ['lora', 'full', 'lora'],
    constraints: { options: SOUND },
  },
  {
    example: 'stable-audio-foley',
    modality: 'audio',
    method: 'lora',
    model: 'stable-audio',
    family: 'stable-audio',
    data: 'songs',
    constraints: { options: SOUND },
  },
  {
    example: 'stable-audio-full',
    modality: 'audio',
    method: 'full',
    model: 'stable-audio',
    family: 'stable-audio',
    data: 'songs',
    constraints: { options: SOUND },
  },
  {
    example: 'musicgen-full',
    modality: 'audio',
    method: 'full',
    model: 'musicgen',
    family: 'musicgen',
    data: 'songs',
    constraints: { options: SOUND },
  },
  {
    example: 'musicgen-loops',
    modality: 'audio',
    method: 'lora',
    model: 'musicgen',
    family: 'musicgen',
    data: 'songs',
    constraints: { options: SOUND },
  },
  {
    example: 'voice-clone',
    modality: 'audio',
    method: 'voice-clone',
    model: 'xtts',
    family: 'xtts',
    data: 'recordings',
    consent: true,
  },
  {
    example: 'guide-speecht5',
    modality: 'audio',
    method: 'voice-clone',
    model: 'speecht5',
    family: 'speecht5',
    data: 'recordings',
    consent: true,
  },
  {
    example: 'timetable-speech',
    modality: 'audio',
    method: 'full',
    model: 'speecht5',
    family: 'speecht5',
    data: 'recordings',
    consent: true,
  },
  {
    example: 'vlm-invoices',
    modality: 'multimodal',
    method: 'lora',
    model: 'qwen2-vl',
    family: 'qwen2-vl',
    data: 'questions',
  },
  {
    example: 'smolvlm-captions',
    modality: 'multimodal',
    method: 'lora',
    model: 'smolvlm',
    family: 'smolvlm',
    data: 'questions',
  },
  {
    example: 'llava-questions',
    modality: 'multimodal',
    method: 'qlora',
    model: 'llava',
    family: 'llava',
    data: 'questions',
  },
  {
    example: 'vlm-full',
    modality: 'multimodal',
    method: 'full',
    model: 'smolvlm',
    family: 'smolvlm',
    data: 'questions',
  },
  {
    example: 'charts-vlm-dpo',
    modality: 'multimodal',
    method: 'dpo',
    model: 'qwen2-vl',
    family: 'qwen2-vl',
    data: 'seen-preferences',
  },
];

/** Two stages, with enough slow steps of the second that it is still trained when somebody looks. */
export const STAGED_CASE: TinyCase = {
  example: 'two-stages',
  modality: 'llm',
  method: 'dpo',
  model: 'chat-model',
  family: 'qwen2.5',
  data: ['chats', 'preferences'],
  stages: ['lora', 'dpo'],
  constraints: { maxSteps: 150, checkpointEverySteps: 150 },
};

/** Class of each base model that stands in, as its folder names it. */
export const CLASS_OF: Readonly<Record<string, string>> = {
  'chat-model': 'Qwen2ForCausalLM',
  'code-model': 'Qwen2ForCausalLM',
  sd15: 'StableDiffusionPipeline',
  sdxl: 'StableDiffusionXLPipeline',
  flux: 'FluxPipeline',
  wan: 'WanPipeline',
  'wan-image': 'WanImageToVideoPipeline',
  'ace-step': 'AceStepPipeline',
  'stable-audio': 'StableAudioPipeline',
  musicgen: 'MusicgenForConditionalGeneration',
  xtts: 'xtts',
  speecht5: 'SpeechT5ForTextToSpeech',
  'qwen2-vl': 'Qwen2VLForConditionalGeneration',
  llava: 'LlavaForConditionalGeneration',
  smolvlm: 'Idefics3ForConditionalGeneration',
};
