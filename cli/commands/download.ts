import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { download } from '../download.ts';
import { findJob } from '../locate.ts';
import { bytes } from '../render/duration.ts';
import { chooseSaved } from '../saved.ts';
import type { Session } from '../session.ts';
import { count } from './logs.ts';
import type { Open } from './open.ts';

interface DownloadOptions {
  readonly checkpoint?: number;
  readonly artifact?: string;
  readonly directory?: string;
  readonly force?: boolean;
}

export function registerDownload(program: Command, open: Open): void {
  program
    .command('download')
    .summary('copy a trained model or checkpoint to a folder, with its hashes verified')
    .description(
      'Copy the merged model (else another artifact, else the newest verified checkpoint) to a folder and verify every byte against its manifest.',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .addOption(new Option('--checkpoint <step>', 'the checkpoint of this step').argParser(count).conflicts('artifact'))
    .option('--artifact <name>', 'this artifact, such as merged or adapter')
    .option('-d, --directory <path>', 'folder to make (default: ./GOAL-NAME)')
    .option('--force', 'replace the folder if it is there')
    .action(async (target: string, options: DownloadOptions, command: Command) => run(open(command), target, options));
}

async function run(session: Session, target: string, options: DownloadOptions): Promise<void> {
  const job = await findJob(session, target);
  const saved = chooseSaved(job, options);
  const folder = resolve(session.host.cwd, options.directory ?? `${job.spec.goalRef.name}-${saved.name}`);
  const copied = await download(saved, folder, { force: options.force === true });
  session.print(folder);
  session.note(`${saved.name}: ${copied.files} files, ${bytes(copied.bytes)}, every hash verified.`);
}
