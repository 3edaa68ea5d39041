import { existsSync } from 'node:fs';
import { readLines } from '@kriptik/operator/backends/local/logs.ts';
import type { Command } from 'commander';
import { count } from '../arguments.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findJob, getObject } from '../locate.ts';
import { attemptOf, logPath } from '../place.ts';
import { printable } from '../render/width.ts';
import { JOBS } from '../resources.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly attempt?: number;
}

/** How often the cluster is asked whether a followed attempt still runs, milliseconds. */
const ASK_MS = 2_000;

export function registerLogs(program: Command, open: Open): void {
  program
    .command('logs')
    .summary("print the trainer's output")
    .description("Print what the trainer of a job's newest attempt wrote. Runs on the machine that trains.")
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('-f, --follow', 'go on until the attempt ends')
    .option('--tail <lines>', 'only the last lines', count)
    .option('--attempt <number>', 'an earlier attempt', count)
    .action(async (target: string, options: LogsOptions, command: Command) => logs(open(command), target, options));
}

async function logs(session: Session, target: string, options: LogsOptions): Promise<void> {
  const job = await findJob(session, target);
  const attempt = attemptOf(job, options.attempt);
  const path = await logPath(session, attempt);
  const follow = options.follow === true;
  if (!existsSync(path) && !(follow && attempt.state !== 'Gone')) {
    throw new CliError(EXIT.notFound, {
      what: `attempt ${attempt.number} has left no output on this machine`,
      where: path,
      remedy: [
        'Run this on the machine that trained. Output of an attempt that never started does not exist; see: kriptik describe ' +
          job.spec.goalRef.name,
      ],
    });
  }
  const how = {
    follow,
    signal: session.host.signal,
    ...(options.tail === undefined ? {} : { tailLines: options.tail }),
  };
  for await (const line of readLines(path, how, endOf(session, job.metadata.name, attempt.number)))
    session.print(printable(line));
}

/** Tells whether an attempt is over; asks the cluster only now and then. */
function endOf(session: Session, name: string, number: number): () => Promise<boolean> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let over = false;
  return async () => {
    if (over || session.now() - askedAt < ASK_MS) return over;
    askedAt = session.now();
    const job = await getObject(session, JOBS, name);
    over = job.status?.attempts?.find((attempt) => attempt.number === number)?.state === 'Gone';
    return over;
  };
}
