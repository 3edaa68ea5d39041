import { z } from 'zod';

// Objects are not strict: a newer trainer may add fields. What is listed here is what the operator relies on.

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const rfc3339 = z.iso.datetime({ offset: true });
const figure = z.number().nullable();

export const phase = z.enum([
  'starting',
  'preparing',
  'training',
  'checkpointing',
  'exporting',
  'finished',
  'frozen',
  'stopped',
  'failed',
]);
export type TrainerPhase = z.infer<typeof phase>;

export const checkpointInfo = z.object({
  step: count,
  uri: z.string().min(1),
  manifestSha256: sha256,
  sizeBytes: count,
  createdAt: rfc3339,
  reason: z.enum(['periodic', 'requested', 'deadline', 'signal', 'final']),
  /** Duration of the save. */
  seconds: z.number().nonnegative(),
});
export type CheckpointInfo = z.infer<typeof checkpointInfo>;

export const artifactInfo = z.object({
  name: z.string().min(1),
  uri: z.string().min(1),
  manifestSha256: sha256,
  sizeBytes: count,
});

export const trainerFault = z.object({
  code: z.string(),
  message: z.string(),
  where: z.string().nullish(),
  remedy: z.string().nullish(),
});
export type TrainerFault = z.infer<typeof trainerFault>;

export const requestState = z.enum(['pending', 'writing', 'done', 'failed']);

/** GET /v1/status. Figures are null until they are known. */
export const status = z.object({
  protocol: count,
  job: z.string(),
  attempt: z.string(),
  phase,
  startedAt: rfc3339,
  updatedAt: rfc3339,
  step: count,
  totalSteps: count.nullable(),
  epoch: figure,
  loss: figure,
  learningRate: figure,
  samplesPerSecond: figure,
  tokensPerSecond: figure,
  etaSeconds: figure,
  secondsPerStep: figure,
  deadline: rfc3339.nullable(),
  /** Worst duration of a save seen in this attempt, seconds. */
  checkpointSeconds: figure,
  lastCheckpoint: checkpointInfo.nullable(),
  request: z.object({ id: z.string(), state: requestState, message: z.string().nullish() }).nullable(),
  device: z.object({ type: z.string(), name: z.string(), count: count }).nullable(),
  artifacts: z.array(artifactInfo),
  error: trainerFault.nullable(),
  warnings: z.array(z.unknown()).default([]),
});
export type TrainerStatus = z.infer<typeof status>;

export const metricPoint = z.object({
  /** Increases over all attempts of a job. */
  n: count,
  step: count,
  time: rfc3339,
  loss: figure,
  learningRate: figure,
  gradNorm: figure.optional(),
  tokensPerSecond: figure.optional(),
});
export type MetricPoint = z.infer<typeof metricPoint>;

/** GET /v1/metrics. `next` is the `since` of the next call. */
export const metricsPage = z.object({ next: count, points: z.array(metricPoint) });
export type MetricsPage = z.infer<typeof metricsPage>;

/** POST and GET /v1/checkpoint. */
export const checkpointRequest = z.object({
  id: z.string(),
  state: requestState,
  checkpoint: checkpointInfo.nullish(),
  message: z.string().nullish(),
});
export type CheckpointRequest = z.infer<typeof checkpointRequest>;

/** PUT /v1/deadline. */
export const deadlineAnswer = z.object({ deadline: rfc3339.nullable() });

/** application/problem+json (RFC 9457) with a machine-readable `code`. */
export const problem = z.object({
  title: z.string(),
  status: z.number().int(),
  detail: z.string().nullish(),
  code: z.string().nullish(),
});

/** POST /v1/stop. What it answers beyond having accepted does not matter. */
export const accepted = z.looseObject({});
