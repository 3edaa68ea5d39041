import { z } from 'zod';
import { metricPoint } from '../trainer/messages.ts';

const saved = z.object({
  uri: z.string().min(1),
  verified: z.boolean(),
  /** Absent where not even its manifest could be read. */
  step: z.number().int().nonnegative().optional(),
  manifestSha256: z.string().optional(),
  sizeBytes: z.number().int().nonnegative().optional(),
  createdAt: z.string().optional(),
  attempt: z.string().optional(),
  problem: z.string().nullish(),
});
export type InspectedFolder = z.infer<typeof saved>;

/** What `kriptik_trainer store inspect` prints: all that a store holds, every byte of it read back. */
export const inspectDocument = z.object({
  uri: z.string(),
  /** Newest step first. */
  checkpoints: z.array(saved),
  artifacts: z.array(saved.extend({ name: z.string().min(1) })),
  /** How the newest attempts ended, in their own words; checked where one is asked for. */
  results: z.array(z.unknown()),
  metricsTail: z.array(z.unknown()).transform((points) =>
    points.flatMap((point) => {
      const parsed = metricPoint.safeParse(point);
      return parsed.success ? [parsed.data] : [];
    }),
  ),
});
export type InspectDocument = z.infer<typeof inspectDocument>;

/**
 * Looks into a store from where it can be reached, such as a pod that mounts the claim, and gives the JSON that was
 * printed. Takes seconds and costs a pod; rejects where it could not look. `fresh` is asked for when the answer decides.
 */
export type Inspect = (uri: string, options: { fresh: boolean }) => Promise<unknown>;
