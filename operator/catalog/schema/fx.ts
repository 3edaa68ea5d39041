import { z } from 'zod';
import { date, decimal } from './common.ts';

export const fxFile = z.strictObject({
  asOf: date,
  source: z.string().min(1),
  rates: z.record(z.string().regex(/^[A-Z]{3}$/), decimal),
});

/** US dollars for one unit of a currency. */
export type Fx = z.infer<typeof fxFile>;
