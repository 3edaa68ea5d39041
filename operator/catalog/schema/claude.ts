import { z } from 'zod';
import { date, decimal, id } from './common.ts';

export const claudePriceFile = z.strictObject({
  asOf: date,
  source: z.string().min(1),
  models: z.array(
    z.strictObject({ model: id, input: decimal, output: decimal, cacheWrite: decimal, cacheRead: decimal }),
  ),
});

/** List prices of reading goals, in US dollars per million tokens. */
export type ClaudePrices = z.infer<typeof claudePriceFile>;
