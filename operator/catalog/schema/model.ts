import type { Modality } from '@kriptik/crds';
import { z } from 'zod';
import { type CommercialUse, date, decimal, hubName, id, language, methodName, modality } from './common.ts';

/** A language model's dimensions, as the estimates of memory and time need them. */
const shape = z.strictObject({
  hidden: z.int().positive(),
  layers: z.int().positive(),
  heads: z.int().positive(),
  kvHeads: z.int().positive(),
  /** Width of a head where it is not hidden / heads. */
  headSize: z.int().positive().optional(),
  /** Width of the feed-forward block; of one expert in a mixture of experts. */
  feedForward: z.int().positive(),
  /** Matrices of a feed-forward block: 3 when gated (SwiGLU, GeGLU), 2 when plain. */
  feedForwardMatrices: z.union([z.literal(2), z.literal(3)]).default(3),
  vocabulary: z.int().positive(),
  /** Whether input and output embeddings are one matrix. */
  tiedEmbeddings: z.boolean().default(false),
  /** Mixture of experts: how many there are, and how many see each token. */
  experts: z.strictObject({ count: z.int().positive(), active: z.int().positive() }).optional(),
});

/**
 * What a model holds beside or instead of a language model. Parts that a row
 * leaves out are derived by the estimator from parameters and modality.
 */
const architecture = z.strictObject({
  /** Weights that act on one token, where not all do: mixtures of experts, modulation layers. */
  activeParameters: z.int().positive().optional(),
  /** The backbone of a diffusion or flow model. */
  latent: z
    .strictObject({
      /** Transformers only; a UNet states forwardTflops instead. */
      hidden: z.int().positive().optional(),
      layers: z.int().positive().optional(),
      /** Tokens of one 1024 x 1024 frame. */
      tokensPerMegapixel: z.int().positive().optional(),
      /** Temporal compression: 1 for pictures. */
      framesPerLatent: z.int().positive().optional(),
      /** Prompt tokens in the joint attention; 0 with cross-attention only. */
      textTokens: z.int().nonnegative().optional(),
      /** One forward pass at 1024 x 1024, in 10^12 operations. */
      forwardTflops: z.number().positive().optional(),
      /** Usual training size in pixels a side; the short side of videos. */
      resolution: z.int().positive().optional(),
      frames: z.int().positive().optional(),
    })
    .optional(),
  textEncoderParameters: z.int().positive().optional(),
  vaeParameters: z.int().positive().optional(),
  /** The tower that reads pictures. */
  vision: z
    .strictObject({
      parameters: z.int().positive(),
      hidden: z.int().positive(),
      layers: z.int().positive(),
      tokensPerImage: z.int().positive(),
    })
    .optional(),
  /** Sound models: tokens of the backbone a second, usual clip, parts that stay frozen (codec, encoders). */
  audio: z
    .strictObject({
      framesPerSecond: z.number().positive(),
      clipSeconds: z.number().positive(),
      frozenParameters: z.int().nonnegative(),
      hidden: z.int().positive().optional(),
      layers: z.int().positive().optional(),
    })
    .optional(),
});

const model = z.strictObject({
  id,
  title: z.string(),
  family: id,
  variant: z.enum(['instruct', 'base', 'distilled']),
  /** Billions of parameters as the name states them. */
  size: decimal,
  hub: hubName,
  /** Commit of the Hub repository; "main" where none was recorded. */
  revision: z.string().regex(/^(main|[0-9a-f]{40})$/, 'write a commit of 40 digits, or main'),
  mirrors: z.array(z.string().regex(/^(pypi|file|s3):\/\//)).default([]),
  /** All weights; the backbone for image and video. */
  parameters: z.int().positive(),
  context: z.int().positive(),
  license: id,
  gated: z.boolean().default(false),
  languages: z.array(language).min(1),
  /** Methods that apply; those of the file where the row states none. */
  methods: z.array(methodName).min(1).optional(),
  shape: shape.optional(),
  architecture: architecture.optional(),
  verified: z.boolean(),
  source: z.string().min(1),
  /** When the row was last checked, where that differs from its file. */
  asOf: date.optional(),
});

export const modelFile = z.strictObject({
  asOf: date,
  modality,
  methods: z.array(methodName).min(1),
  models: z.array(model),
});

/** Weights that are no row of the catalog. */
export interface OwnWeights {
  /** file:///folder or hf://owner/name. */
  readonly uri: string;
  /** What pins them: a revision of the Hub, or a hash of the folder. */
  readonly revision: string;
  /** Of a folder: whether this machine can read it. */
  readonly here: boolean;
}

export type Shape = z.infer<typeof shape>;
/** A base model; `modality`, and `asOf` and `methods` it does not state, come from its file, `commercialUse` from its licence. */
export type ModelSpec = Omit<z.infer<typeof model>, 'methods' | 'asOf'> & {
  readonly modality: Modality;
  readonly methods: readonly z.infer<typeof methodName>[];
  readonly commercialUse: CommercialUse;
  readonly asOf: string;
  /** Class that loads it, where that is known of this very model; else its family's counts. */
  readonly class?: string;
  /** Where the weights lie of a model that somebody brought. */
  readonly own?: OwnWeights;
};
