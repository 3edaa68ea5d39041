import { z } from 'zod';
import { date, id, methodName, modality } from './common.ts';

const card = z.strictObject({
  id,
  modalities: z.array(modality).min(1),
  /** All methods where absent. */
  methods: z.array(methodName).min(1).optional(),
  quality: z.enum(['quick', 'standard', 'high', 'flagship']).optional(),
  /** Billions of parameters up to which the row holds. */
  maxParametersB: z.number().positive().optional(),
  /** A ladder, smallest first: the first that holds the work with room to spare is meant. */
  gpus: z.array(id).min(1),
  /** A clause that reads well after "because". */
  because: z.string().min(1),
  source: z.string().min(1),
});

export const cardFile = z.strictObject({ asOf: date, cards: z.array(card) });

/** Which class of card suits which work. */
export type CardAdvice = z.infer<typeof card> & { readonly asOf: string };
