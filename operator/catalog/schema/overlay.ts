import { z } from 'zod';
import { date, id } from './common.ts';
import { price } from './price.ts';

/** What the Hub said of a model since the catalog was written. */
const modelFacts = z.strictObject({
  id,
  revision: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'write a commit of 40 digits')
    .optional(),
  license: id.optional(),
  gated: z.boolean().optional(),
  asOf: date,
  source: z.string().min(1),
});

/** A user's own rows on top of the shipped catalog: refreshed prices, and prices of one's own. */
export const overlayFile = z.strictObject({
  prices: z.array(price).default([]),
  models: z.array(modelFacts).default([]),
});

export type Overlay = z.infer<typeof overlayFile>;
export type ModelFactsRow = z.infer<typeof modelFacts>;
