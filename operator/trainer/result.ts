import { z } from 'zod';
import { artifactInfo, checkpointError, checkpointInfo, trainerFault } from './messages.ts';

/** attempts/<attempt>/result.json, written atomically before the trainer exits. */
export const attemptResult = z.object({
  protocol: z.number().int(),
  attempt: z.string(),
  outcome: z.enum(['succeeded', 'frozen', 'stopped', 'failed']),
  step: z.number().int().nonnegative(),
  totalSteps: z.number().int().nonnegative().nullable(),
  checkpoint: checkpointInfo.nullable(),
  artifacts: z.array(artifactInfo),
  error: trainerFault.nullable(),
  /** Where the run ended with less saved than it had trained. */
  lastCheckpointError: checkpointError.nullish(),
  finishedAt: z.iso.datetime({ offset: true }),
});
export type AttemptResult = z.infer<typeof attemptResult>;
