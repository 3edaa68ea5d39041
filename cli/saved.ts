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

/** What to copy, and under which name. A part with a folder goes into it, one without is the whole. */
export interface Download {
  readonly name: string;
  readonly parts: readonly (Choice & { readonly folder: string })[];
}

/** Without a wish every artifact side by side; else, and before there is one, what {@link chooseSaved} says. */
export function chooseDownload(job: TrainingJob, wish: Wish = {}): Download {
  const artifacts = job.status?.artifacts ?? [];
  if (wish.artifact === undefined && wish.checkpoint === undefined && artifacts.length > 0)
    return { name: 'model', parts: artifacts.map((artifact) => ({ ...artifact, folder: artifact.name })) };
  const choice = chooseSaved(job, wish);
  return { name: choice.name, parts: [{ ...choice, folder: '' }] };
}

/** What a person asked for by option; at most one of the two. */
interface Wish {
  readonly checkpoint?: number;
  readonly artifact?: string;
}

/** The artifact or checkpoint asked for; without a wish the merged model, else any artifact, else the newest verified checkpoint. */
export function chooseSaved(job: TrainingJob, wish: Wish = {}): Choice {
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
