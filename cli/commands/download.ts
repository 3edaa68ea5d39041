import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { count } from '../arguments.ts';
import { findJob } from '../locate.ts';
import { bytes } from '../render/duration.ts';
import { chooseDownload } from '../saved.ts';
import type { Session } from '../session.ts';
import type { Open } from './open.ts';

interface DownloadOptions {
  readonly checkpoint?: number;
  readonly artifact?: string;
  readonly to?: string;
  readonly force?: boolean;
}

export function registerDownload(program: Command, open: Open): void {
  program
    .command('download')
    .summary('copy a trained model or checkpoint to a folder, with its hashes verified')
    .description(
      'Copy what a job made to a folder: all artifacts, each into a folder of its name (merged, adapter); before there are any, the newest verified checkpoint. Every byte is verified against its manifest.',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('--to <folder>', 'folder to make (default: ./GOAL-model, or ./GOAL-checkpoint-STEP)')
    .option('--artifact <name>', 'only this artifact, such as merged or adapter')
    .addOption(new Option('--checkpoint <step>', 'the checkpoint of this step').argParser(count).conflicts('artifact'))
    .option('--force', 'replace the folder if it is there')
    .action(async (target: string, options: DownloadOptions, command: Command) => run(open(command), target, options));
}

async function run(session: Session, target: string, options: DownloadOptions): Promise<void> {
  const job = await findJob(session, target);
  const { name, parts } = chooseDownload(job, options);
  const folder = resolve(session.host.cwd, options.to ?? `${job.spec.goalRef.name}-${name}`);
  // Loaded only here: it brings libraries that other commands need not wait for.
  const { download } = await import('../download.ts');
  const copied = await download(parts, folder, {
    force: options.force === true,
    s3Access: async () => (await import('../store-access.ts')).storeAccessOf(session, job),
  });
  session.print(folder);
  for (const part of copied)
    session.note(`${part.name}: ${part.files} files, ${bytes(part.bytes)}, every hash verified.`);
}
