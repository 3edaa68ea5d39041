import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TrainingGoal } from '@kriptik/crds';
import { addMoney, formatMoney, formatUsd, type MicroUsd, parseMoney, zeroMoney } from '@kriptik/operator/money.ts';
import { type Command, Option } from 'commander';
import { amount } from '../arguments.ts';
import { usd } from '../describe/common.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findGoal } from '../locate.ts';
import { keeperOf } from '../managed.ts';
import { withLimit } from '../manifest/edit.ts';
import { GOALS } from '../resources.ts';
import type { Session } from '../session.ts';
import { applyFiles } from './apply.ts';
import type { Open } from './open.ts';

interface RaiseOptions {
  readonly by?: MicroUsd;
  readonly to?: MicroUsd;
  readonly filename?: string;
  readonly force?: boolean;
}

export function registerRaise(program: Command, open: Open): void {
  program
    .command('raise')
    .summary("raise a goal's budget; a frozen job goes on")
    .description(
      'Raise the limit of a goal\'s budget. A job that froze at its budget goes on from its checkpoint. Needs the verb "raise" on trainingbudgets. Where the goal comes from a file, change the file: -f FILE does both.',
    )
    .argument('<goal>', 'NAME of a goal, plan or job')
    .addOption(new Option('--by <usd>', 'raise by this much, such as 5 or 2.50').argParser(amount).conflicts('to'))
    .addOption(new Option('--to <usd>', 'raise to this limit').argParser(amount))
    .option('-f, --filename <path>', 'change the limit in this file, then apply it')
    .option('--force', 'change the goal in the cluster although a file or Git decides on it')
    .action(async (target: string, options: RaiseOptions, command: Command) => raise(open(command), target, options));
}

async function raise(session: Session, target: string, options: RaiseOptions): Promise<void> {
  const goal = await findGoal(session, target);
  const { name } = goal.metadata;
  const before = limitOf(goal);
  const after = newLimit(before, options);
  if (options.filename !== undefined) await raiseInFile(session, goal, formatMoney(after), options.filename);
  else await raiseInCluster(session, goal, formatMoney(after), options.force === true);
  session.print(`goal/${name} limit ${formatUsd(before)} -> ${formatUsd(after)}`);
  const spent = goal.status?.budget?.spent;
  session.note(`${spent === undefined ? '' : `Spent so far: ${usd(spent)}. `}Follow it: kriptik watch ${name}`);
}

function limitOf(goal: TrainingGoal): MicroUsd {
  const limit = goal.spec.budget?.limit ?? goal.status?.budget?.limit;
  if (limit !== undefined) return parseMoney(limit);
  throw new CliError(EXIT.error, {
    what: 'the goal has no budget yet',
    where: `goal/${goal.metadata.name}`,
    remedy: ['Give it one: add spec.budget.limit to its file and apply it.'],
  });
}

function newLimit(before: MicroUsd, { by, to }: RaiseOptions): MicroUsd {
  if (by === undefined && to === undefined) throw usageError('raise by how much?', 'Add --by AMOUNT or --to LIMIT.');
  const after = to ?? addMoney(before, by ?? zeroMoney);
  if (after > before) return after;
  throw usageError(
    `${formatUsd(after)} does not raise the limit of ${formatUsd(before)}`,
    "Give a larger amount. To lower a budget, change the goal's file and apply it.",
  );
}

async function raiseInCluster(session: Session, goal: TrainingGoal, limit: string, force: boolean): Promise<void> {
  const { namespace, name, resourceVersion } = goal.metadata;
  const keeper = keeperOf(goal);
  if (keeper !== undefined && !force) {
    throw new CliError(EXIT.refused, {
      what: `${keeper.by} decides on this goal; a change in the cluster alone would not last`,
      where: `goal/${name}, spec.budget.limit`,
      remedy: [
        keeper.instead,
        `Set spec.budget.limit to "${limit}", or let this program do it: kriptik raise ${name} --to ${limit} -f FILE`,
        'To change only the cluster all the same, add --force.',
      ],
    });
  }
  const budget = goal.spec.budget === undefined ? { limit, currency: 'USD' } : { limit };
  await session.client
    .resource(GOALS)
    .patch({ namespace, name }, { metadata: { resourceVersion }, spec: { budget } }, { signal: session.host.signal });
}

async function raiseInFile(session: Session, goal: TrainingGoal, limit: string, file: string): Promise<void> {
  const path = resolve(session.host.cwd, file);
  const before = readFileSync(path, 'utf8');
  const after = withLimit(before, goal.metadata.name, limit);
  if (after === undefined) {
    throw new CliError(EXIT.notFound, {
      what: `the file holds no TrainingGoal named "${goal.metadata.name}"`,
      where: file,
      remedy: ['Name the file that the goal was applied from.'],
    });
  }
  replaceFile(path, after);
  try {
    await applyFiles(session, [file], {});
  } catch (error) {
    // A refused raise must not stay behind in the file as if it held.
    replaceFile(path, before);
    throw error;
  }
}

/** Writes beside the file and renames, so that it is never half written. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
