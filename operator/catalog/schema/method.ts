import { z } from 'zod';
import { date, methodName, modality } from './common.ts';

const method = z.strictObject({
  id: methodName,
  title: z.string(),
  summary: z.string(),
  strength: z.string(),
  weakness: z.string(),
  /** When a careful engineer takes it. */
  when: z.string(),
  modalities: z.array(modality).min(1),
  /** Memory it takes beside the other methods on the same model. */
  memory: z.enum(['least', 'little', 'medium', 'much', 'most']),
  source: z.string().min(1),
});

export const methodFile = z.strictObject({ asOf: date, methods: z.array(method) });

/** A training method as plans explain it. */
export type MethodSpec = z.infer<typeof method> & { readonly asOf: string };
