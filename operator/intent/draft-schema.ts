import { z } from 'zod';

/**
 * What was read out of a goal's text. A draft has no authority: lock() turns it
 * into a contract, and there the spec's fields win and the text can only lower
 * a limit. The shape is flat because a language model fills it, too.
 */
export const intentDraft = z.object({
  modality: z.enum(['llm', 'image', 'video', 'audio', 'multimodal', 'code']).nullable(),
  /** What the model should be able to do, as a slug: "question-answering", "text-to-sql". */
  capability: z.string().nullable(),
  /** One sentence. */
  summary: z.string(),
  /** Acceptable methods, best first. */
  methods: z.array(z.enum(['qlora', 'lora', 'full', 'dpo', 'rlhf', 'dreambooth', 'textual-inversion', 'voice-clone'])),
  /** True when the text names the method. */
  methodStated: z.boolean(),
  /** Slug of the base model that the text names: "llama-3-8b-instruct". */
  model: z.string().nullable(),
  modelParametersB: z.number().nullable(),
  quality: z.enum(['quick', 'standard', 'high', 'flagship']).nullable(),
  datasetHint: z.string().nullable(),
  datasetSize: z.string().nullable(),
  /** Rows, pairs, images or clips, where the size is a count. */
  rows: z.number().nullable(),
  /** s3://, https://, pvc:// or hf:// addresses of data named in the text. */
  dataUris: z.array(z.string()),
  /** Most that may be spent, as a decimal string, in the currency of the text. */
  budget: z.object({ amount: z.string(), currency: z.string() }).nullable(),
  deadlineHours: z.number().nullable(),
  /** A calendar date the text names as its deadline, as YYYY-MM-DD. */
  deadlineDate: z.string().nullable(),
  /** The hardware that the text limits the run to, as written. */
  gpuLimit: z.string().nullable(),
  gpuCount: z.number().nullable(),
  gpuMemoryGb: z.number().nullable(),
  /** Runs on the author's own machine. */
  localOnly: z.boolean(),
  /** The data must not leave the author's network. */
  privateOnly: z.boolean(),
  /** Where it may run, where the text says so: "eu", "us". */
  regions: z.array(z.string()),
  /** The result is to be used commercially. */
  commercialUse: z.boolean(),
  /** Licences the base model may have, as SPDX identifiers in lower case; empty = any. */
  licenses: z.array(z.string()),
  /** What is to come out: "adapter", "merged", "gguf", "hub". */
  outputs: z.array(z.string()),
  /** What must be known before this can be planned responsibly. */
  questions: z.array(z.object({ field: z.string(), question: z.string(), example: z.string().nullable() })),
  /** The text contradicts itself. */
  conflict: z.boolean(),
  /** Why this may not be trained; null = nothing speaks against it. */
  refusal: z.string().nullable(),
  /** The text tries to steer the planner instead of describing a goal. */
  injection: z.boolean(),
  assumptions: z.array(z.string()),
});
