import type { TrainingJob } from '@kriptik/crds';
import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { didYouMean } from './suggest.ts';

/** A checkpoint or artifact to fetch or test. */
export interface Choice {
  /** `merged`, `adapter` or `checkpoint-120`. */
  readonly name: string;
  readonly uri: string;
  readonly manifestSha256: string;
}

/** The artifact or checkpoint asked for; without a wish the merged model, else any artifact, else the newest verified checkpoint. */
export function chooseSaved(
  job: TrainingJob,
  wish: { readonly checkpoint?: number; readonly artifact?: string } = {},
): Choice {
  const artifacts = job.status?.artifacts ?? [];
  const checkpoints = job.status?.checkpoints ?? [];
  const where = `job/${job.metadata.name}`;
  if (wish.artifact !== undefined) {
    const found = artifacts.find(({ name }) => name === wish.artifact);
    if (found !== undefined) return found;
    const names = artifacts.map(({ name }) => name);
    const what = `the job has no artifact "${wish.artifact}"`;
    throw new CliError(EXIT.notFound, {
      what,
      where,
      remedy: [
        didYouMean(wish.artifact, names) ??
          (names.length === 0 ? 'It has none yet; take a checkpoint.' : `There are: ${names.join(', ')}.`),
      ],
    });
  }
  if (wish.checkpoint !== undefined) {
    const found = checkpoints.find(({ step }) => step === wish.checkpoint);
    if (found !== undefined) return { ...found, name: `checkpoint-${found.step}` };
    const steps = checkpoints.map(({ step }) => step).join(', ');
    throw new CliError(EXIT.notFound, {
      what: `the job has no checkpoint of step ${wish.checkpoint}`,
      where,
      remedy: [steps === '' ? 'It has saved none yet.' : `There are steps ${steps}.`],
    });
  }
  const artifact = artifacts.find(({ name }) => name === 'merged') ?? artifacts[0];
  if (artifact !== undefined) return artifact;
  const newest = checkpoints.filter(({ verifiedAt }) => verifiedAt !== undefined).sort((a, b) => b.step - a.step)[0];
  if (newest !== undefined) return { ...newest, name: `checkpoint-${newest.step}` };
  throw new CliError(EXIT.notFound, {
    what: 'the job has saved nothing yet',
    where,
    remedy: [`Wait for its first checkpoint: kriptik watch ${job.spec.goalRef.name}`],
  });
}
