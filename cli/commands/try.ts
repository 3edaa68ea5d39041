import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findTrainer } from '@kriptik/operator/backends/local/trainer-install.ts';
import { type Command, Option } from 'commander';
import { collect, count } from '../arguments.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findJob } from '../locate.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import { type Comparison, renderComparison } from '../render/comparison.ts';
import { chooseSaved } from '../saved.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

interface TryOptions {
  readonly prompt?: readonly string[];
  readonly prompts?: string;
  readonly checkpoint?: number;
  readonly artifact?: string;
  readonly maxNewTokens: number;
  readonly output: Format;
}

export const TRAINER_FOLDER = fileURLToPath(new URL('../../trainer', import.meta.url));

const run = promisify(execFile);

export function registerTry(program: Command, open: Open): void {
  program
    .command('try')
    .summary('ask the base model and the trained one the same, side by side')
    .description(
      'Give the same prompts to the base model and to the trained one (or to a checkpoint) on this machine, and show both answers.',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('-p, --prompt <text>', 'a prompt (may be repeated)', collect)
    .option('--prompts <path>', 'JSONL file with a "prompt" a line, and "expected" where known')
    .addOption(
      new Option('--checkpoint <step>', 'test the checkpoint of this step').argParser(count).conflicts('artifact'),
    )
    .option('--artifact <name>', 'test this artifact')
    .option('--max-new-tokens <count>', 'longest answer', count, 96)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (target: string, options: TryOptions, command: Command) => tryModel(open(command), target, options));
}

async function tryModel(session: Session, target: string, options: TryOptions): Promise<void> {
  const job = await findJob(session, target);
  const saved = chooseSaved(job, options);
  const prompts = await promptsOf(session, options);
  const base = job.spec.run.resolved.model.source;
  session.note(`Asking ${base} and ${saved.name} ...`);
  const comparison = await compare(session, [
    '--base',
    base,
    '--tuned',
    saved.uri,
    ...prompts,
    '--max-new-tokens',
    String(options.maxNewTokens),
  ]);
  if (options.output === 'json' || options.output === 'yaml') session.print(renderData(comparison, options.output));
  else session.print(renderComparison(comparison, viewOf(session)));
}

async function promptsOf(session: Session, options: TryOptions): Promise<string[]> {
  const given = (options.prompt ?? []).flatMap((text) => ['--prompt', text]);
  if (options.prompts !== undefined) given.push('--prompts', resolve(session.host.cwd, options.prompts));
  if (given.length > 0) return given;
  if (!session.host.interactive) throw usageError('no prompt given', 'Add --prompt TEXT or --prompts FILE.');
  const asked = (await session.host.ask('Prompt: ')).trim();
  if (asked === '') throw usageError('no prompt given', 'Type one, or add --prompt TEXT.');
  return ['--prompt', asked];
}

async function compare(session: Session, args: readonly string[]): Promise<Comparison> {
  const trainer = await findTrainer(session.host.env, TRAINER_FOLDER);
  if (trainer === undefined) {
    throw new CliError(EXIT.notFound, {
      what: 'the trainer is not installed on this machine',
      remedy: ['Install it: make trainer, or trainer/install.sh.'],
    });
  }
  const [command = '', ...first] = trainer.trainerCommand;
  try {
    const { stdout } = await run(command, [...first, 'compare', ...args], {
      env: { ...session.host.env, ...trainer.trainerEnv },
      maxBuffer: 16 * 1024 * 1024,
      signal: session.host.signal,
    });
    return JSON.parse(stdout) as Comparison;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const last = stderr.split('\n').findLast((line) => line.startsWith('error:')) ?? stderr.split('\n').at(-1) ?? '';
    throw new CliError(
      EXIT.error,
      {
        what: `the models could not be compared${last === '' ? '' : `: ${last.replace(/^error: /, '')}`}`,
        where: args.slice(0, 4).join(' '),
        remedy: ['"kriptik doctor" checks the trainer; run this on the machine that trained.'],
      },
      { cause: error },
    );
  }
}
