import type { Command } from 'commander';
import { checkpointLines } from '../describe/job.ts';
import { findJob } from '../locate.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

export function registerCheckpoints(program: Command, open: Open): void {
  program
    .command('checkpoints')
    .summary('list the checkpoints of a job')
    .description('List the newest checkpoints of a job, with whether their hashes were verified.')
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .addOption(outputOption(['table', 'json', 'yaml', 'name']))
    .action(async (target: string, options: { output: Format }, command: Command) =>
      checkpoints(open(command), target, options.output),
    );
}

async function checkpoints(session: Session, target: string, format: Format): Promise<void> {
  const job = await findJob(session, target);
  const found = job.status?.checkpoints ?? [];
  if (format === 'json' || format === 'yaml') session.print(renderData(found, format));
  else if (format === 'name') session.print(found.map(({ uri }) => `${uri}\n`).join(''));
  else if (found.length === 0) session.note(`job/${job.metadata.name} has saved no checkpoint yet.`);
  else session.print(checkpointLines(found, viewOf(session)).map((line) => line.replace(/^ {2}/, '')));
}
