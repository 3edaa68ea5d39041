import { z } from 'zod';
import { METHODS, MODALITIES } from './kinds.ts';

/** Version of the control protocol spoken by this operator. */
export const PROTOCOL = 1;

const decimal = z.string().regex(/^[0-9]+(\.[0-9]+)?(e-?[0-9]+)?$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const rfc3339 = z.iso.datetime({ offset: true });

const model = z.object({
  id: z.string().min(1),
  source: z.string().min(1),
  revision: z.string(),
  parameters: z.number().int().nonnegative(),
  license: z.string(),
});

const lora = z.object({
  r: z.number().int().positive(),
  alpha: z.number().positive(),
  dropout: z.number().min(0).max(1),
  targets: z.array(z.string()).min(1),
});

const data = z.object({
  uri: z.string().min(1),
  format: z.enum(['jsonl', 'csv', 'parquet', 'hub', 'folder']),
  split: z.string().nullable(),
  /** Of a data set on the Hub. */
  revision: z.string().nullable().exactOptional(),
  sha256: sha256.nullable(),
});

/** Strict: a setting that the trainer would not apply must stop the run, for it is part of what was approved. */
const hyperparameters = z.strictObject({
  epochs: z.number().positive().nullable(),
  maxSteps: z.number().int().positive().nullable(),
  batchSize: z.number().int().positive(),
  gradientAccumulation: z.number().int().positive(),
  learningRate: decimal,
  warmupRatio: decimal,
  scheduler: z.string().min(1),
  maxLength: z.number().int().positive(),
  seed: z.number().int().nonnegative(),
  checkpointEverySteps: z.number().int().positive(),
  gradientCheckpointing: z.boolean(),
  precision: z.enum(['fp32', 'bf16', 'fp16']),
  optimizer: z.enum(['adamw', 'adamw-8bit', 'adafactor']).exactOptional(),
  weightPrecision: z.enum(['mixed', 'bf16', 'fp32']).exactOptional(),
  /** Of a moving average of the trained weights. */
  emaDecay: decimal.exactOptional(),
  offloadOptimizer: z
    .literal(false, "this trainer keeps the optimizer's state beside the weights; plan without offloading it")
    .exactOptional(),
});

/** Rows kept from training, on which the base and the result are measured. */
const evaluation = z.object({
  /** Of all rows, 0.001 to 0.5. */
  share: decimal,
  maxRows: z.number().int().positive(),
  /** Optimizer steps between looks on the way; null looks at the base and the result only. */
  everySteps: z.number().int().positive().nullable(),
  /** Pictures, clips or sounds made at each look. */
  samples: z.number().int().nonnegative().exactOptional(),
  /** What scores them: file:///PATH, or hf://OWNER/NAME@COMMIT. */
  scoreModel: z.string().min(1).exactOptional(),
});

/** Settings of one kind of model or method; the trainer's page lists them. */
const options = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** The recorded statement by which a speaker allows the use of a voice; `recording` is a path where the trainer runs. */
const consent = z.object({ speaker: z.string(), statement: z.string(), recording: z.string(), sha256 });

/** How an S3 store is reached; without a folder of keys those of the trainer's environment count. */
const s3 = z.object({
  endpoint: z.string().exactOptional(),
  region: z.string().exactOptional(),
  pathStyle: z.boolean().exactOptional(),
  credentialsDir: z.string().exactOptional(),
});

const store = z.object({
  uri: z.string().min(1),
  s3: s3.exactOptional(),
  /** Where the claim of a pvc:// URI is mounted. */
  mount: z.string().exactOptional(),
  keepLast: z.number().int().positive().exactOptional(),
  /** Local folder in which checkpoints are staged on their way. */
  scratch: z.string().exactOptional(),
});

const method = z.object({ name: z.enum(METHODS), lora: lora.optional(), options: options.exactOptional() });

const stage = z.object({
  name: z.string().min(1),
  /** base, or the stage whose result it begins with. */
  startsFrom: z.string().min(1),
  /** Null where nothing is trained: what it starts from is measured. */
  method: method.nullable(),
  data: z.array(data).min(1),
  hyperparameters: hyperparameters.exactOptional(),
  evaluation: evaluation.exactOptional(),
});

/** What one attempt trains; the operator writes it, the backend adds `control`. */
export const trainerSpec = z.object({
  protocol: z.literal(PROTOCOL),
  job: z.string().regex(/^[^/]+\/[^/]+$/, 'expected <namespace>/<name>'),
  attempt: z.string().min(1),
  model,
  method,
  /** Trained one after the other; the fields of the spec itself tell the one that decides. */
  stages: z.array(stage).min(1).max(16).exactOptional(),
  modality: z.enum(MODALITIES).exactOptional(),
  data: z.array(data).min(1),
  hyperparameters,
  evaluation: evaluation.exactOptional(),
  /** Of several processes: each holds the whole model, or a shard of it. Absent: the whole. */
  parallelism: z.enum(['replicated', 'sharded']).exactOptional(),
  /** Without it no voice is cloned. */
  consent: consent.exactOptional(),
  store,
  resume: z.object({ uri: z.string(), step: z.number().int().nonnegative(), manifestSha256: sha256 }).nullable(),
  outputs: z.array(z.enum(['adapter', 'merged'])),
  deadline: rfc3339.nullable(),
  /** From the writing of the spec to the deadline; counted from the start, so that a slow clock cannot prolong it. */
  deadlineSeconds: z.number().nonnegative().exactOptional(),
  /** Without a step for so long while training, the trainer ends by itself; absent, it never does. */
  hungAfterSeconds: z.number().positive().exactOptional(),
  card: z.object({
    goal: z.string(),
    plan: z.string(),
    digest: z.string(),
    unitPricePerHour: decimal,
    currency: z.string(),
  }),
});
export type TrainerSpec = z.infer<typeof trainerSpec>;

/** Where the trainer serves its control protocol. Port 0 lets the system choose; the trainer reports it in `portFile`. */
export const controlSpec = z.object({
  host: z.string(),
  port: z.number().int().min(0).max(65_535),
  tokenFile: z.string(),
  portFile: z.string().exactOptional(),
});

/** The whole of spec.json as the trainer reads it. */
export const trainerSpecFile = trainerSpec.extend({ control: controlSpec });
