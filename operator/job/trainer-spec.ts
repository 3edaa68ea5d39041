import type { Attempt, Checkpoint, TrainingJob } from '@kriptik/crds';
import { TerminalError } from '../runtime/errors.ts';
import { formatOf } from '../trainer/format.ts';
import { PROTOCOL, type TrainerSpec, trainerSpec } from '../trainer/spec.ts';

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
  const { model, method, hyperparameters: hyper } = resolved;
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
    method: {
      name: method.name,
      ...(method.lora && { lora: { ...method.lora, dropout: Number(method.lora.dropout) } }),
    },
    data: resolved.data.map((source) => ({
      uri: source.uri,
      format: source.format ?? formatOf(source.uri),
      split: source.split ?? null,
      sha256: source.sha256 ?? null,
    })),
    hyperparameters: { ...hyper, epochs: hyper.epochs ?? null, maxSteps: hyper.maxSteps ?? null },
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

/** Artifacts asked for by any output; both kinds when none says. */
function outputsOf(job: TrainingJob): ('adapter' | 'merged')[] {
  const asked = new Set(job.spec.run.resolved.output.flatMap((output) => output.artifacts ?? []));
  const kinds = asked.size > 0 ? [...asked] : (['adapter', 'merged'] as const);
  return job.spec.run.resolved.method.name === 'full' ? ['merged'] : [...kinds];
}
