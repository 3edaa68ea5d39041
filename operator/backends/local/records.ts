import { z } from 'zod';

// The files by which operator and supervisor know of each other across restarts of either.

const epochMs = z.number().int().nonnegative();

export const launchRecord = z.object({
  version: z.literal(1),
  id: z.string().min(1),
  name: z.string().min(1),
  directory: z.string().min(1),
  job: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  createdAt: epochMs,
  command: z.array(z.string()).min(1),
  resources: z.object({
    cpus: z.number().int().positive().exactOptional(),
    memoryBytes: z.number().int().positive().exactOptional(),
    niceness: z.number().int().min(0).max(19).exactOptional(),
  }),
  /** Processes that train together, one a GPU. Absent: one. */
  processes: z.number().int().positive().exactOptional(),
  timing: z.object({ startTimeout: epochMs, hardDeadlineGrace: epochMs }),
});
export type LaunchRecord = z.infer<typeof launchRecord>;

/** Who supervises. `identity` tells the process from a later one with the same number. */
export const claimRecord = z.object({
  pid: z.number().int().positive(),
  identity: z.string(),
  at: epochMs,
  trainer: z.object({ pid: z.number().int().positive(), startedAt: epochMs }).exactOptional(),
  /** Control group of the trainer and all its descendants, where the system has one for us. */
  cgroup: z.string().exactOptional(),
});
export type ClaimRecord = z.infer<typeof claimRecord>;

export const exitRecord = z.object({
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  at: epochMs,
  reason: z.enum([
    'exited',
    'terminated',
    'hardDeadline',
    'memoryLimit',
    'startTimeout',
    'spawnFailed',
    'neverStarted',
    'supervisorLost',
  ]),
  message: z.string().exactOptional(),
});
export type ExitRecord = z.infer<typeof exitRecord>;

export const stopRecord = z.object({ at: epochMs, killAt: epochMs });
export type StopRecord = z.infer<typeof stopRecord>;

export const deadlineRecord = z.object({ at: epochMs.nullable() });
export const claimByRecord = z.object({ claimBy: epochMs });
export const releasedRecord = z.object({ at: epochMs });
export const portRecord = z.object({ port: z.number().int().min(1).max(65_535), pid: z.number().int() });
