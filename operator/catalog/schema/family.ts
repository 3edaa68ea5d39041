import { z } from 'zod';
import { id, modality } from './common.ts';

const family = z.strictObject({
  id,
  modality,
  /** The family that a name without a version stands for. */
  default: id.optional(),
  names: z.array(z.string()).min(1),
});

export const familyFile = z.strictObject({ families: z.array(family) });

/** Names that people use for a group of base models. */
export type Family = z.infer<typeof family>;
