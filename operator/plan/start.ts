import type { Checkpoint, Resolved, TrainingJob } from '@kriptik/crds';
import { sameJson } from '../runtime/json.ts';

/** Where the training of an amendment begins, as its plan says. */
export type Start = NonNullable<Resolved['start']>;

/** A verified checkpoint, with the job in whose folder it lies and the provider of that store. */
export type TakenOver = NonNullable<NonNullable<TrainingJob['spec']['continues']>['checkpoint']>;

type Hyperparameters = Resolved['hyperparameters'];

/** Settings that may change under way: a step's rows and what its gradients mean stay as they were. */
const FREE: ReadonlySet<string> = new Set([
  'learningRate',
  'epochs',
  'maxSteps',
  'gradientCheckpointing',
  'checkpointEverySteps',
]);

/** Of a resolved plan, what is looked at one by one, and what does not touch the training. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  'model',
  'method',
  'hyperparameters',
  'data',
  'compute',
  'parallelism',
  'providerOrder',
  'output',
  'stages',
  'evaluation',
  'start',
]);

/** Their trainers take the rows of a step in the same order whatever pieces it is made of; loops of our own do not. */
const BY_STEPS: ReadonlySet<string> = new Set(['llm', 'code', 'multimodal']);

export interface StartInput {
  readonly modality: string;
  /** The plan of the job that is replaced. */
  readonly before: Resolved;
  /** The amended one, and the steps that it makes from the base model to its end. */
  readonly after: Resolved;
  readonly steps: number;
  /** The job that is replaced. */
  readonly job: TrainingJob;
  /** What was said when this was priced before. It stands as long as it can be kept. */
  readonly told?: Start | undefined;
}

/**
 * Where an amendment begins: at the newest verified checkpoint of the job that it replaces, from before that went
 * wrong; at the base model where no checkpoint fits, with the reason. A step that was told once is not taken back while
 * a checkpoint of it or a later one is there, so that a price people look at does not change with every save.
 */
export function startOf({ modality, before, after, steps, job, told }: StartInput): Start {
  const misfit = misfitOf(before, after, modality);
  if (misfit !== undefined) return { from: 'Base', step: 0, lastStep: steps, reason: misfit };
  const sound = soundUntil(job);
  const start = (step: number, reason: string): Start => ({
    from: 'Checkpoint',
    step,
    lastStep: steps,
    ...(sound !== undefined && { soundUntil: sound }),
    reason,
  });
  const [newest] = usable(job, { lastStep: steps, soundUntil: sound });
  if (newest !== undefined) {
    const out = unreachable(newest, after);
    if (out !== undefined) return { from: 'Base', step: 0, lastStep: steps, reason: out };
    const known = told?.from === 'Checkpoint' && told.lastStep === steps && told.step > 0 && told.step <= newest.step;
    const until = sound === undefined ? '' : `, from before the training went wrong after step ${sound}`;
    return known && told.soundUntil === sound ? told : start(newest.step, `the newest verified checkpoint${until}`);
  }
  if (verified(job).length === 0 && sound === undefined) return start(0, 'nothing was saved yet when this was priced');
  return { from: 'Base', step: 0, lastStep: steps, reason: noneFits(steps, sound) };
}

function noneFits(steps: number, sound: number | undefined): string {
  return sound === undefined
    ? `all checkpoints that are kept are of step ${steps} or later, where it ends`
    : `no verified checkpoint is kept from before the training went wrong, after step ${sound}`;
}

/**
 * The checkpoint that the job of an approved amendment begins with: the newest that its plan allows. Undefined where the
 * plan says that it starts over, or nothing is left that it could begin with.
 */
export function takenOver(job: TrainingJob, start: Start | undefined): TakenOver | undefined {
  return start?.from === 'Checkpoint' ? usable(job, start)[0] : undefined;
}

/** The newest first. One of the last step would leave nothing to train. */
function usable(
  job: TrainingJob,
  { lastStep, soundUntil: sound }: { readonly lastStep: number; readonly soundUntil?: number | undefined },
): TakenOver[] {
  return verified(job)
    .filter(({ step }) => step < lastStep && step <= (sound ?? step))
    .sort((a, b) => b.step - a.step);
}

/** What a job has saved, and what it began with itself. */
function verified({ metadata, spec, status }: TrainingJob): TakenOver[] {
  const provider = status?.store?.provider;
  const own = (status?.checkpoints ?? []).filter(({ verifiedAt, step }) => verifiedAt !== undefined && step > 0);
  const begun = spec.continues?.checkpoint;
  return [
    ...(provider === undefined ? [] : own.map((one) => taken(one, provider, metadata.uid))),
    ...(begun === undefined ? [] : [begun]),
  ];
}

function taken(
  { step, uri, manifestSha256, sizeBytes, createdAt, attempt }: Checkpoint,
  provider: string,
  jobUid: string,
) {
  return { provider, jobUid, step, uri, manifestSha256, sizeBytes, createdAt, attempt };
}

/** The earliest step that any finding tells the training to be sound until. */
function soundUntil({ status }: TrainingJob): number | undefined {
  const steps = (status?.diagnosis ?? []).flatMap(({ soundUntilStep, resolvedAt }) =>
    soundUntilStep === undefined || resolvedAt !== undefined ? [] : [soundUntilStep],
  );
  return steps.length === 0 ? undefined : Math.min(...steps);
}

/** A bucket is reached from everywhere; of what else there is only its own provider is sure to. */
function unreachable({ uri, provider }: TakenOver, { compute }: Resolved): string | undefined {
  if (uri.startsWith('s3://') || compute.provider === provider) return undefined;
  return `what was saved lies with ${provider}, where ${compute.provider} cannot reach it`;
}

/** Why a checkpoint of one plan cannot be gone on from with another; undefined where it can. */
export function misfitOf(before: Resolved, after: Resolved, modality: string): string | undefined {
  const { model, method } = before;
  if (model.source !== after.model.source || model.revision !== after.model.revision)
    return 'the base model changes, and what was trained fits no other';
  if (before.stages !== undefined || after.stages !== undefined)
    return 'a plan of several stages is not changed under way';
  if (method.name !== after.method.name)
    return `the method changes from ${method.name} to ${after.method.name}, and what was trained with one does not fit the other`;
  if (!sameJson(method.lora, after.method.lora))
    return 'the adapter changes, and what was trained does not fit another';
  if (!sameJson(method.options, after.method.options))
    return 'what the method is told changes, and with it what a step is';
  if (!sameJson(before.data, after.data)) return 'the rows change, so that nobody could tell which were seen';
  if (processes(before) !== processes(after)) return 'the number of GPUs changes, and with it the order of the rows';
  if (before.parallelism !== after.parallelism)
    return 'the GPUs share the model another way, and what was trained would round otherwise';
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof Resolved)[];
  const other = keys.find((key) => !LOOKED_AT.has(key) && !sameJson(before[key], after[key]));
  if (other !== undefined) return `${other} changes, and a checkpoint does not fit that`;
  return misfitOfSettings(before.hyperparameters, after.hyperparameters, {
    byPrompts: method.name === 'rlhf',
    bySteps: BY_STEPS.has(modality),
  });
}

function processes({ compute }: Resolved): number {
  return Math.max(1, compute.gpuCount) * compute.nodes;
}

function misfitOfSettings(
  before: Hyperparameters,
  after: Hyperparameters,
  { byPrompts, bySteps }: { readonly byPrompts: boolean; readonly bySteps: boolean },
): string | undefined {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof Hyperparameters)[];
  const changed = new Set(keys.filter((key) => !sameJson(before[key], after[key])));
  if (byPrompts && (changed.has('maxSteps') || changed.has('epochs')))
    return 'the share of the reward model in all steps changes with their number';
  if (changed.has('warmupRatio')) return 'a longer warm-up takes effect only from the beginning';
  if (changed.has('maxLength')) return 'rows of another length are other rows';
  if (changed.has('batchSize') || changed.has('gradientAccumulation')) {
    const rows = ({ batchSize, gradientAccumulation }: Hyperparameters): number => batchSize * gradientAccumulation;
    if (rows(before) !== rows(after))
      return 'a step takes another number of rows, so that nobody could tell which were seen';
    if (!bySteps || byPrompts) return 'smaller pieces of a step change the order of the rows';
  }
  const other = keys.find(
    (key) => changed.has(key) && !FREE.has(key) && key !== 'batchSize' && key !== 'gradientAccumulation',
  );
  return other === undefined ? undefined : `${other} changes, and a checkpoint does not fit that`;
}
