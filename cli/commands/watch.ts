import { errorMessage, UnreachableError } from '@kriptik/operator/runtime/errors.ts';
import type { Command } from 'commander';
import { seconds } from '../arguments.ts';
import { nextSteps, type Story } from '../describe/goal.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findGoal } from '../locate.ts';
import { printable } from '../render/width.ts';
import type { Session } from '../session.ts';
import { readStory } from '../story.ts';
import { viewOf } from '../view.ts';
import { changeLines, firstLine, type Told } from '../watch/lines.ts';
import { renderOutcome, renderScreen } from '../watch/screen.ts';
import { isBehind, isEnded, isRaised, messageOf, phaseOf, type Snapshot, waitResult } from '../watch/snapshot.ts';
import { LiveScreen } from '../watch/terminal.ts';
import type { Open } from './open.ts';

interface WatchOptions {
  readonly until?: string;
  readonly timeout?: number;
}

const INTERVAL_MS = 1_000;

/** How long a change may wait for the operator before a watch says so, in ms. */
const UNSEEN_MS = 10_000;

/** How long a raise may take to reach a frozen job before "frozen" is believed, in ms. */
const RAISE_MS = 15_000;

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

/** Follows a goal until it ends, the phase asked for is there, or the time is over. */
async function watchGoal(session: Session, target: string, options: WatchOptions): Promise<void> {
  const goalName = (await findGoal(session, target)).metadata.name;
  const live = session.host.stdout.isTTY && session.host.env['TERM'] !== 'dumb' && session.options.quiet !== true;
  const screen = new LiveScreen(session.host.stdout);
  const started = session.now();
  const end = options.timeout === undefined ? Number.POSITIVE_INFINITY : started + options.timeout * 1000;
  let told: Told | undefined;
  let last: Story | undefined;
  let seenAt = started;
  try {
    for (;;) {
      let snapshot = await look(session, goalName, last);
      last = snapshot.story;
      if (isSeen(last)) seenAt = session.now();
      else if (session.now() - seenAt > UNSEEN_MS) snapshot = { trouble: NO_OPERATOR, ...snapshot };
      if (live) screen.draw(renderScreen(snapshot, viewOf(session), session.host.stdout.rows));
      else told = tell(session, told, snapshot);
      // Right after an edit the phase is that of before it.
      const old = isBehind(last) || (isRaised(last) && session.now() - started < RAISE_MS);
      if (!old && finished(last, options.until)) break;
      if (session.now() >= end) throw expired(goalName, phaseOf(snapshot.story), options);
      await session.host.clock.sleep(INTERVAL_MS, session.host.signal);
    }
  } finally {
    screen.close();
    if (live && last !== undefined) session.print(renderOutcome({ story: last }, viewOf(session)));
  }
}

const NO_OPERATOR = 'no operator has looked at the goal as it is now; see "kriptik doctor"';

/** Whether the operator has looked at the goal as it is now. */
function isSeen({ goal }: Story): boolean {
  return goal.status?.observedGeneration === goal.metadata.generation;
}

/** Prints where things stand the first time, then what is new. */
function tell(session: Session, told: Told | undefined, snapshot: Snapshot): Told {
  let lines: readonly string[];
  let next: Told;
  if (told === undefined) {
    const first = firstLine(snapshot);
    lines = [first.line];
    next = first.told;
  } else ({ lines, told: next } = changeLines(told, snapshot));
  if (lines.length > 0 && session.options.quiet !== true) session.print(lines);
  return next;
}

async function look(session: Session, goalName: string, last: Story | undefined): Promise<Snapshot> {
  try {
    return { story: await readStory(session, await findGoal(session, `goal/${goalName}`)) };
  } catch (error) {
    if (last === undefined || !(error instanceof UnreachableError)) throw error;
    return { story: last, trouble: `the API server does not answer, trying on: ${errorMessage(error)}` };
  }
}

function finished(story: Story, until: string | undefined): boolean {
  const phase = phaseOf(story);
  if (until === undefined) return isEnded(phase);
  const result = waitResult(phase, until);
  if (result !== 'missed') return result === 'reached';
  const { name } = story.goal.metadata;
  const why = messageOf(story);
  throw new CliError(EXIT.unfinished, {
    what: `the goal is ${phase} and will not become ${until} unless somebody acts`,
    where: `goal/${name}`,
    ...(why === undefined ? {} : { details: [printable(why)] }),
    remedy: [...nextSteps(story), `See all of it: kriptik describe ${name}`],
  });
}

function expired(goal: string, phase: string, options: WatchOptions): CliError {
  return new CliError(EXIT.timeout, {
    what: `the goal is still ${phase} after ${options.timeout ?? 0} s`,
    where: `goal/${goal}`,
    remedy: [`Go on waiting with a longer --timeout, or look closer: kriptik describe ${goal}`],
  });
}
