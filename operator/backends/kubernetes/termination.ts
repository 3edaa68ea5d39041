import { z } from 'zod';

/** The trainer's last word, as it leaves it for the container's runtime. */
const summary = z.object({
  outcome: z.string(),
  step: z.number().nullish(),
  error: z.object({ code: z.string(), message: z.string() }).nullish(),
});
export type TerminationSummary = z.infer<typeof summary>;

/** Reads a container's termination message; undefined when it is not the trainer's summary. */
export const terminationSummary = (text: string): TerminationSummary | undefined => {
  if (!text.startsWith('{')) return undefined;
  try {
    return summary.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};
