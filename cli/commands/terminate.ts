import type { TrainingJob } from '@kriptik/crds';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findJob } from '../locate.ts';
import { JOBS } from '../resources.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

interface TerminateOptions {
  readonly yes?: boolean;
}

export function registerTerminate(program: Command, open: Open): void {
  program
    .command('terminate')
    .summary('end a job for good; what it saved stays')
    .description(
      'Set spec.terminate: a running job saves a checkpoint and ends, a frozen or paused one only ends. What it saved can still be tested and downloaded; the rest of its budget is released. It cannot be taken back.',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('--yes', 'do not ask')
    .action(async (target: string, options: TerminateOptions, command: Command) =>
      terminate(open(command), target, options),
    );
}

async function terminate(session: Session, target: string, { yes }: TerminateOptions): Promise<void> {
  const job = await findJob(session, target);
  const { namespace, name } = job.metadata;
  if (job.spec.terminate === true) {
    session.print(`job/${name} is ${job.status?.phase === 'Terminated' ? 'already ended' : 'already being ended'}`);
    return;
  }
  if (job.status?.phase === 'Succeeded') {
    throw new CliError(EXIT.refused, {
      what: 'the job has finished; there is nothing left to end',
      where: `job/${name}`,
      remedy: [`Fetch what it made: kriptik download ${job.spec.goalRef.name}`],
    });
  }
  if (yes !== true) await confirm(session, job);
  await session.client
    .resource(JOBS)
    .patch({ namespace, name }, { spec: { terminate: true } }, { signal: session.host.signal });
  session.print(
    `job/${name} terminating: ${job.status?.replicas === 1 ? 'a checkpoint is saved first' : 'nothing runs'}`,
  );
  session.note(`What it saved stays: kriptik checkpoints ${job.spec.goalRef.name}`);
}

async function confirm(session: Session, job: TrainingJob): Promise<void> {
  const where = `job/${job.metadata.name}`;
  const again = `kriptik terminate ${job.spec.goalRef.name} --yes`;
  if (!session.host.interactive)
    throw new CliError(EXIT.refused, {
      what: 'this cannot be taken back, and nobody can be asked',
      where,
      remedy: [again],
    });
  const answer = await session.host.ask(`End ${where} for good? It cannot be taken back. [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new CliError(EXIT.refused, { what: 'nothing was changed', where, remedy: [again] });
}
