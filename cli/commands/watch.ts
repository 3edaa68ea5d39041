import { errorMessage, UnreachableError } from '@kriptik/operator/runtime/errors.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { describeGoal, type Story } from '../describe/goal.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findGoal } from '../locate.ts';
import type { Session } from '../session.ts';
import { readStory } from '../story.ts';
import { changeLines, nothingTold } from '../watch/lines.ts';
import { renderScreen } from '../watch/screen.ts';
import { isEnded, phaseOf, type Snapshot, waitResult } from '../watch/snapshot.ts';
import { LiveScreen } from '../watch/terminal.ts';
import { viewOf } from './describe.ts';
import type { Open } from './open.ts';

interface WatchOptions {
  readonly until?: string;
  readonly timeout?: number;
}

const INTERVAL_MS = 1_000;

export function registerWatch(program: Command, open: Open): void {
  program
    .command('watch')
    .summary('follow a goal live until it ends')
    .description(
      'Follow a goal: progress, loss, rate, time left, spend against the budget, events. On a terminal a live view; elsewhere one line a change.',
    )
    .argument('<goal>', 'NAME of a goal, plan or job')
    .option(
      '--until <phase>',
      'end at this phase, such as AwaitingApproval, Running, Frozen, Succeeded, or "done" for any end',
    )
    .option('--timeout <seconds>', 'give up after this long', seconds)
    .action(async (target: string, options: WatchOptions, command: Command) =>
      watchGoal(open(command), target, options),
    );
}

/** Parses a number of seconds above zero. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError('Give a number of seconds above zero.');
  return value;
}

/** Follows a goal until it ends, the phase asked for is there, or the time is over. */
async function watchGoal(session: Session, target: string, options: WatchOptions): Promise<void> {
  const goalName = (await findGoal(session, target)).metadata.name;
  const live = session.host.stdout.isTTY && session.host.env['TERM'] !== 'dumb' && session.options.quiet !== true;
  const screen = new LiveScreen(session.host.stdout);
  const end = options.timeout === undefined ? Number.POSITIVE_INFINITY : session.now() + options.timeout * 1000;
  let told = nothingTold;
  let last: Story | undefined;
  try {
    for (;;) {
      const snapshot = await look(session, goalName, last);
      last = snapshot.story;
      if (live) screen.draw(renderScreen(snapshot, viewOf(session), session.host.stdout.rows));
      else {
        const news = changeLines(told, snapshot);
        told = news.told;
        if (news.lines.length > 0 && session.options.quiet !== true) session.print(news.lines);
      }
      if (finished(phaseOf(snapshot.story), goalName, options.until)) break;
      if (session.now() >= end) throw expired(goalName, phaseOf(snapshot.story), options);
      await session.host.clock.sleep(INTERVAL_MS, session.host.signal);
    }
  } finally {
    screen.close();
  }
  if (live && last !== undefined) session.print(describeGoal(last, viewOf(session)));
}

async function look(session: Session, goalName: string, last: Story | undefined): Promise<Snapshot> {
  try {
    return { story: await readStory(session, await findGoal(session, `goal/${goalName}`)) };
  } catch (error) {
    if (last === undefined || !(error instanceof UnreachableError)) throw error;
    return { story: last, trouble: `the API server does not answer, trying on: ${errorMessage(error)}` };
  }
}

function finished(phase: string, goal: string, until: string | undefined): boolean {
  if (until === undefined) return isEnded(phase);
  const result = waitResult(phase, until);
  if (result !== 'missed') return result === 'reached';
  throw new CliError(EXIT.unfinished, {
    what: `the goal is ${phase}; it will not become ${until} unless somebody acts`,
    where: `goal/${goal}`,
    remedy: [`See why, and what can be done: kriptik describe ${goal}`],
  });
}

function expired(goal: string, phase: string, options: WatchOptions): CliError {
  return new CliError(EXIT.timeout, {
    what: `the goal is still ${phase} after ${options.timeout ?? 0} s`,
    where: `goal/${goal}`,
    remedy: [`Go on waiting with a longer --timeout, or look closer: kriptik describe ${goal}`],
  });
}
