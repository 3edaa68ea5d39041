import type { MethodName, Modality } from '@kriptik/crds';

/** What the trainer's protocol calls methods and modalities: the words of plans. */
export const METHODS = [
  'lora',
  'qlora',
  'full',
  'dpo',
  'rlhf',
  'dreambooth',
  'textual-inversion',
  'voice-clone',
] as const satisfies readonly MethodName[];
export const MODALITIES = [
  'llm',
  'code',
  'multimodal',
  'image',
  'video',
  'audio',
] as const satisfies readonly Modality[];
