import { z } from 'zod';
import { artifactInfo, checkpointInfo, trainerFault } from './messages.ts';

/** Exit codes of the trainer process. */
export const EXIT = {
  succeeded: 0,
  frozen: 10,
  stopped: 11,
  inputError: 20,
  outOfMemory: 21,
  diskFull: 22,
  internal: 30,
} as const;

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
  finishedAt: z.iso.datetime({ offset: true }),
});
export type AttemptResult = z.infer<typeof attemptResult>;
