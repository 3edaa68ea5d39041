import { z } from 'zod';
import { commercialUse, date, hubName, id, language, modality } from './common.ts';

const dataset = z.strictObject({
  id,
  hub: hubName,
  title: z.string(),
  modality,
  /** What it is good for: "chat", "text-to-sql", "speech-recognition". */
  tasks: z.array(z.string().regex(/^[a-z0-9-]+$/)).min(1),
  languages: z.array(language),
  /** The configuration to load, where the data set has several and none is the default. */
  config: z.string().optional(),
  /** The split that one trains on. */
  split: z.string().default('train'),
  /** Rows of that split. */
  rows: z.int().positive(),
  /** Mean tokens of a row, where text is trained on. */
  tokensPerRow: z.number().positive().optional(),
  bytes: z.int().positive().optional(),
  columns: z.array(z.string()).min(1),
  shape: z.enum([
    'messages',
    'prompt-completion',
    'preference',
    'text',
    'image-text',
    'image',
    'video-text',
    'audio-text',
    'audio',
    'vqa',
  ]),
  /** What a model learns from it, in one sentence. */
  teaches: z.string(),
  license: id,
  /** Stated where the licence alone does not tell, as for data that another provider's model wrote. */
  commercialUse: commercialUse.optional(),
  gated: z.boolean().default(false),
  personalData: z.enum(['none', 'possible', 'yes']),
  verified: z.boolean(),
  source: z.string().min(1),
});

export const datasetFile = z.strictObject({ asOf: date, datasets: z.array(dataset) });

/** A public data set of the Hub; `asOf` comes from its file, `commercialUse` from its licence where the row states none. */
export type DatasetSpec = Omit<z.infer<typeof dataset>, 'commercialUse'> & {
  readonly commercialUse: z.infer<typeof commercialUse>;
  readonly asOf: string;
};
