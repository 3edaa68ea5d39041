import { z } from 'zod';
import { id, modality } from './common.ts';

const family = z.strictObject({
  id,
  modality,
  /** What tells its members apart beside their size: "mini", "large-v3". */
  variants: z.array(z.string()).optional(),
  /** The family that a name without a version stands for. */
  default: id.optional(),
  /** Class that loads its members, as their config.json or model_index.json has it; absent where trainers do not ask. */
  class: z.string().optional(),
  names: z.array(z.string()).min(1),
});

export const familyFile = z.strictObject({ families: z.array(family) });

/** Names that people use for a group of base models. */
export type Family = z.infer<typeof family>;
