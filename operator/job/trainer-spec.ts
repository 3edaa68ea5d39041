import { fileURLToPath } from 'node:url';
import type {
  Attempt,
  Checkpoint,
  EvaluationChoice,
  Hyperparameters,
  MethodChoice,
  PlannedData,
  Resolved,
  Stage,
  TrainingJob,
} from '@kriptik/crds';
import { TerminalError } from '../runtime/errors.ts';
import { trainerFormat } from '../trainer/format.ts';
import { PROTOCOL, type TrainerSpec, trainerSpec } from '../trainer/spec.ts';
import { adjusted, adjustedStage } from './adjust.ts';

/**
 * What one attempt is told to train. `storeUri` is where this job saves; `resume` the verified
 * checkpoint it goes on from. Throws TerminalError when the plan asks for what the trainer cannot do.
 */
export function trainerSpecOf(
  job: TrainingJob,
  attempt: Attempt,
  storeUri: string,
  resume: Checkpoint | undefined,
): TrainerSpec {
  const { contract, resolved } = job.spec.run;
  const { model, method } = resolved;
  const adjustments = attempt.adjustments ?? [];
  const hyper = adjusted(resolved.hyperparameters, adjustments);
  const candidate = {
    protocol: PROTOCOL,
    job: `${job.metadata.namespace}/${job.metadata.name}`,
    attempt: attempt.name,
    model: {
      id: model.id,
      source: model.source,
      revision: model.revision,
      parameters: model.parameters,
      license: model.license,
    },
    modality: contract.modality,
    method: methodOf(method),
    data: resolved.data.map(dataOf),
    hyperparameters: hyperOf(hyper),
    ...evaluationOf(resolved.data, resolved.evaluation),
    ...(resolved.parallelism !== undefined && { parallelism: resolved.parallelism }),
    ...(resolved.stages !== undefined && {
      stages: resolved.stages.map((stage) => stageOf(stage, resolved, adjustments)),
    }),
    ...(contract.consent && {
      consent: { ...contract.consent, recording: fileURLToPath(contract.consent.recording) },
    }),
    store: { uri: storeUri },
    resume: resume === undefined ? null : { uri: resume.uri, step: resume.step, manifestSha256: resume.manifestSha256 },
    outputs: outputsOf(job),
    deadline: attempt.deadline ?? null,
    card: {
      goal: contract.goalText,
      plan: job.spec.planRef.name,
      digest: job.spec.planRef.digest,
      unitPricePerHour: attempt.unitPricePerHour,
      currency: 'USD',
    },
  };
  const parsed = trainerSpec.safeParse(candidate);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new TerminalError(`the plan cannot be run by this trainer: ${issues}`);
}

function methodOf({ name, lora, options }: MethodChoice) {
  return {
    name,
    ...(lora && { lora: { ...lora, dropout: Number(lora.dropout) } }),
    ...(options && { options }),
  };
}

function dataOf(source: PlannedData) {
  return {
    uri: source.uri,
    format: trainerFormat(source),
    split: source.split ?? null,
    ...(source.uri.startsWith('hf://') && source.revision !== undefined && { revision: source.revision }),
    sha256: source.sha256 ?? null,
  };
}

function hyperOf(hyper: Hyperparameters) {
  return { ...hyper, epochs: hyper.epochs ?? null, maxSteps: hyper.maxSteps ?? null };
}

function stageOf(
  { name, startsFrom, method, data, hyperparameters: own }: Stage,
  { evaluation, hyperparameters: plan }: Resolved,
  adjustments: readonly string[],
) {
  const hyperparameters = own && adjustedStage(own, plan, adjustments);
  return {
    name,
    startsFrom,
    method: method === undefined ? null : methodOf(method),
    data: data.map(dataOf),
    ...(hyperparameters !== undefined && { hyperparameters: hyperOf(hyperparameters) }),
    ...evaluationOf(data, evaluation),
  };
}

/** The rows that the plan keeps from training, of all its sources together; nothing where it keeps none. */
function evaluationOf(
  data: readonly PlannedData[],
  looks: EvaluationChoice = {},
): Partial<Pick<TrainerSpec, 'evaluation'>> {
  const rows = sum(data.map(({ rowsEstimate = 0 }) => rowsEstimate));
  const kept = Math.round(
    sum(
      data.map(
        ({ rowsEstimate = 0, heldOut }) =>
          rowsEstimate * (Number(heldOut?.evalShare ?? 0) + Number(heldOut?.testShare ?? 0)),
      ),
    ),
  );
  if (kept === 0) return {};
  return { evaluation: { share: (kept / rows).toFixed(6), maxRows: kept, everySteps: null, ...looks } };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Artifacts asked for by any output; both kinds when none says. What a method does not make is left out: of several
 * stages the last one that trains makes them.
 */
function outputsOf(job: TrainingJob): ('adapter' | 'merged')[] {
  const { output, method, stages = [] } = job.spec.run.resolved;
  const { name } = stages.findLast((stage) => stage.method !== undefined)?.method ?? method;
  if (name === 'full') return ['merged'];
  if (name === 'dreambooth' || name === 'textual-inversion') return ['adapter'];
  const asked = new Set(output.flatMap(({ artifacts = [] }) => artifacts));
  return asked.size > 0 ? [...asked] : ['adapter', 'merged'];
}
