import type { MethodName, Modality } from '@kriptik/crds';
import { z } from 'zod';

/** Pieces that the shapes of several data files share. */

export const modality = z.enum(['llm', 'image', 'video', 'audio', 'multimodal', 'code']) satisfies z.ZodType<Modality>;

export const methodName = z.enum([
  'qlora',
  'lora',
  'full',
  'dpo',
  'rlhf',
  'dreambooth',
  'textual-inversion',
  'voice-clone',
]) satisfies z.ZodType<MethodName>;

export const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'write a date as YYYY-MM-DD');
export const decimal = z.string().regex(/^\d+(\.\d+)?$/, 'write a decimal number as a string');
export const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/);
export const hubName = z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'write a Hub name as owner/name');

/** ISO 639 code of a language, or "multilingual" where a row covers more than anyone lists. */
export const language = z.string().regex(/^([a-z]{2,3}|multilingual)$/, 'write a language as its ISO 639 code');

/** May the work be used commercially: yes, no, or under conditions that its licence states. */
export const commercialUse = z.enum(['yes', 'no', 'conditional']);
export type CommercialUse = z.infer<typeof commercialUse>;
