import { z } from 'zod';
import { date, decimal, id } from './common.ts';

export const price = z.strictObject({
  provider: id,
  /** What kind of offer: "on-demand", "secure", "community", "market median". */
  tier: z.string(),
  region: z.string().optional(),
  gpu: id,
  instance: z.string(),
  gpus: z.int().positive(),
  usdPerGpuHour: decimal,
  asOf: date,
  verified: z.boolean(),
  source: z.string().min(1),
});

export const priceFile = z.strictObject({ prices: z.array(price) });

/** A list price as it was read from its source on `asOf`. */
export type PriceRow = z.infer<typeof price>;
