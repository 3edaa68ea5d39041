import { join } from 'node:path';
import type { ComputeProvider, TrainingJob } from '@kriptik/crds';
import { layoutOf } from '@kriptik/operator/backends/local/layout.ts';
import { clusterId } from '@kriptik/operator/cluster.ts';
import type { Attempt } from './describe/common.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { getObject } from './locate.ts';
import { PROVIDERS } from './resources.ts';
import type { Session } from './session.ts';

/** The attempt of this number, or the newest. @throws CliError when there is none. */
export function attemptOf(job: TrainingJob, number: number | undefined): Attempt {
  const attempts = job.status?.attempts ?? [];
  const found = number === undefined ? attempts.at(-1) : attempts.find((attempt) => attempt.number === number);
  if (found !== undefined) return found;
  throw new CliError(EXIT.notFound, {
    what: number === undefined ? 'the job has not been started yet' : `the job has no attempt ${number}`,
    where: `job/${job.metadata.name}`,
    remedy: [
      number === undefined
        ? `Wait for it: kriptik watch ${job.spec.goalRef.name}`
        : `There are: ${attempts.map((attempt) => attempt.number).join(', ') || 'none'}.`,
    ],
  });
}

/** Where the output of an attempt lies on this machine. Only providers of type local keep it on a disk we can read. */
export async function logPath(session: Session, attempt: Attempt): Promise<string> {
  const provider = (await getObject(session, PROVIDERS, attempt.provider)) as ComputeProvider;
  if (provider.spec.type !== 'local') {
    throw new CliError(EXIT.error, {
      what: `the output of an attempt on ${provider.spec.type} cannot be read from here`,
      where: `provider/${attempt.provider}`,
      remedy: ["Use the provider's own console; attempts on a provider of type local can be read."],
    });
  }
  const { defaultWorkDir } = await import('@kriptik/operator/provider/local.ts');
  const workDir = provider.spec.local?.workDir ?? defaultWorkDir(session.host.env);
  const root = join(workDir, (await clusterId(session.client)).slice(0, 8));
  return layoutOf(root, attempt.name).log;
}
