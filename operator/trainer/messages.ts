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
  /** Figures, where the code has some: what a run that ran out of memory had asked for. */
  details: z.record(z.string(), z.unknown()).nullish(),
});
export type TrainerFault = z.infer<typeof trainerFault>;

/** Why the last checkpoint could not be stored. */
export const checkpointError = z.object({ code: z.string(), message: z.string(), step: count, at: rfc3339 });

/** The stage that is trained, of a run of several; `index` counts from 0. */
const stage = z.object({ name: z.string().min(1), index: count, count, firstStep: count, lastStep: count });

const memory = z.object({ usedBytes: count, totalBytes: count });

const scores = z.record(z.string(), z.number().nullable());

/** Figures on held-out rows; `metric` is the one to watch. */
export const evaluation = z.object({
  metric: z.string(),
  better: z.enum(['lower', 'higher']),
  /** Of the base model. */
  base: scores.nullish(),
  step: count.nullish(),
  latest: scores.nullish(),
  /** The newest looks, oldest first. */
  history: z.array(z.object({ step: count, values: scores })).nullish(),
});

export const requestState = z.enum(['pending', 'writing', 'done', 'failed', 'cancelled']);

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
  /** Left until the deadline, by the trainer's own clocks. */
  deadlineSeconds: figure.optional(),
  /** Worst duration of a save seen in this attempt, seconds. */
  checkpointSeconds: figure,
  lastCheckpoint: checkpointInfo.nullable(),
  request: z.object({ id: z.string(), state: requestState, message: z.string().nullish() }).nullable(),
  device: z.object({ type: z.string(), name: z.string(), count: count }).nullable(),
  artifacts: z.array(artifactInfo),
  error: trainerFault.nullable(),
  /** When the last step of this attempt was finished; null before the first. */
  lastProgressAt: rfc3339.nullish(),
  stepsSinceCheckpoint: count.nullish(),
  /** The last save that failed, until one succeeds. */
  lastCheckpointError: checkpointError.nullish(),
  /** Share of the last steps' time that was spent waiting for data, 0..1. */
  dataWaitShare: figure.optional(),
  /** Share of the time in which a kernel ran on the GPU, over the last steps, 0..1. */
  gpuBusyShare: figure.optional(),
  /** Steps whose loss or gradient was not a finite number. */
  nonFinite: z.object({ steps: count, lastStep: count, what: z.string() }).nullish(),
  /** Memory of the device that trains, bytes. */
  memory: memory.nullish(),
  /** Of the machine or container, against the limit at which the kernel kills. */
  hostMemory: memory.nullish(),
  gradNorm: figure.optional(),
  /** Processes of the run, and the nodes they are on. */
  world: z.object({ size: count, nodes: count }).nullish(),
  evaluation: evaluation.nullish(),
  stage: stage.nullish(),
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
  dataWaitShare: figure.optional(),
  tokensPerSecond: figure.optional(),
  /** On a point of its own: figures on held-out rows. */
  evaluation: scores.optional(),
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
