import { z } from 'zod';
import { commercialUse, date, id } from './common.ts';

const license = z.strictObject({
  id,
  title: z.string(),
  commercialUse,
  /** What one must heed, in a sentence; empty for plainly permissive licences. */
  conditions: z.string().default(''),
  /** Whether results must carry the same licence. */
  shareAlike: z.boolean().default(false),
  source: z.string().min(1),
});

export const licenseFile = z.strictObject({ asOf: date, licenses: z.array(license) });

/** A licence that models or data come under. */
export type LicenseSpec = z.infer<typeof license> & { readonly asOf: string };
