import { z } from 'zod';

/** What is used of the Hub's and the dataset viewer's answers. */

const gated = z.union([z.literal(false), z.string()]).optional();
const sha = z.string().regex(/^[0-9a-f]{40}$/);
const cardData = z
  .looseObject({
    license: z.union([z.string(), z.array(z.string())]).optional(),
    language: z.union([z.string(), z.array(z.string())]).optional(),
  })
  .nullish();

export const modelAnswer = z.object({
  name: z.string(),
  sha,
  gated,
  task: z.string().optional(),
  cardData,
  tags: z.array(z.string()).default([]),
  safetensors: z
    .object({ total: z.int().positive(), parameters: z.record(z.string(), z.number()).optional() })
    .nullish(),
});

export const datasetAnswer = z.object({
  name: z.string(),
  sha,
  gated,
  cardData,
  tags: z.array(z.string()).default([]),
});

export const searchAnswer = z.array(z.object({ name: z.string(), downloads: z.number().default(0), gated }));

/** /size of the dataset viewer. */
export const sizeAnswer = z.object({
  size: z.object({
    splits: z.array(
      z.object({
        config: z.string(),
        split: z.string(),
        num_rows: z.int().nonnegative(),
        /** Present where only the first part was converted. */
        estimated_num_rows: z.int().nonnegative().nullish(),
        num_bytes_memory: z.int().nonnegative().nullish(),
      }),
    ),
  }),
  partial: z.boolean().optional(),
});

/** /info of the dataset viewer, by configuration. */
export const infoAnswer = z.object({
  dataset_info: z.record(
    z.string(),
    z.looseObject({
      features: z.record(z.string(), z.unknown()).nullish(),
      splits: z
        .record(
          z.string(),
          z.looseObject({ num_examples: z.int().nonnegative().nullish(), num_bytes: z.int().nonnegative().nullish() }),
        )
        .nullish(),
    }),
  ),
});

/** config.json of a model, as far as dimensions go; multimodal models nest them. */
const dimensions = z.looseObject({
  model_type: z.string().optional(),
  hidden_size: z.int().positive().optional(),
  num_hidden_layers: z.int().positive().optional(),
  num_attention_heads: z.int().positive().optional(),
  num_key_value_heads: z.int().positive().nullish(),
  head_dim: z.int().positive().nullish(),
  intermediate_size: z.int().positive().optional(),
  moe_intermediate_size: z.int().positive().optional(),
  vocab_size: z.int().positive().optional(),
  max_position_embeddings: z.int().positive().optional(),
  tie_word_embeddings: z.boolean().optional(),
  num_experts: z.int().positive().optional(),
  num_local_experts: z.int().positive().optional(),
  num_experts_per_tok: z.int().positive().optional(),
});

export const configAnswer = dimensions.extend({
  text_config: dimensions.optional(),
  vision_config: z.looseObject({}).optional(),
});

export type ModelAnswer = z.infer<typeof modelAnswer>;
export type DatasetAnswer = z.infer<typeof datasetAnswer>;
export type SizeAnswer = z.infer<typeof sizeAnswer>;
export type InfoAnswer = z.infer<typeof infoAnswer>;
export type ConfigAnswer = z.infer<typeof configAnswer>;
