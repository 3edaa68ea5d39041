import type { Command } from 'commander';
import { conditionLines, eventLines } from '../describe/common.ts';
import { describeGoal } from '../describe/goal.ts';
import { describeJob } from '../describe/job.ts';
import { describePlan } from '../describe/plan.ts';
import { jobSteps } from '../describe/steps.ts';
import { findGoal, getObject } from '../locate.ts';
import { renderData } from '../output.ts';
import { section } from '../render/section.ts';
import { GOALS, JOBS, kindOf, PLANS, parseTarget, wordOf } from '../resources.ts';
import type { Session } from '../session.ts';
import { eventsOf, readStory } from '../story.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

export function registerDescribe(program: Command, open: Open): void {
  program
    .command('describe')
    .summary('tell the whole story of a goal, plan or job')
    .description(
      'Show an object the way a person reads it. A goal comes with its plan, tiles, price, job, cost and events.',
    )
    .argument('<target>', 'NAME of a goal, or KIND/NAME')
    .argument('[name]', 'NAME when the first word is a kind')
    .action(async (target: string, name: string | undefined, _options: unknown, command: Command) => {
      await describe(open(command), name === undefined ? target : `${wordOf(kindOf(target))}/${name}`);
    });
}

async function describe(session: Session, target: string): Promise<void> {
  const { type, name } = parseTarget(target);
  const view = viewOf(session);
  switch (type?.plural) {
    case undefined:
    case GOALS.plural:
      session.print(describeGoal(await readStory(session, await findGoal(session, target)), view));
      return;
    case PLANS.plural: {
      const plan = await getObject(session, PLANS, name);
      session.print([...describePlan(plan, view), ...(await tail(session, name, plan.status?.conditions))]);
      return;
    }
    case JOBS.plural: {
      const job = await getObject(session, JOBS, name);
      const steps = jobSteps(job.spec.goalRef.name, job).map((line) => `  ${line}`);
      session.print([
        ...describeJob(job, view),
        ...(await tail(session, name, job.status?.conditions)),
        ...section('Next', steps, view.style),
      ]);
      return;
    }
    default: {
      const object = await getObject(session, kindOf(type?.plural ?? ''), name);
      const { spec, status } = object as unknown as { spec?: unknown; status?: { conditions?: never } };
      session.print([
        session.style.bold(`${object.kind} ${name}`),
        renderData({ spec }, 'yaml').trimEnd(),
        ...(await tail(session, name, status?.conditions)),
      ]);
    }
  }
}

async function tail(
  session: Session,
  name: string,
  conditions: Parameters<typeof conditionLines>[0],
): Promise<string[]> {
  const view = viewOf(session);
  const events = await eventsOf(session, new Set([name]));
  return [
    ...section('Conditions', conditionLines(conditions, view), view.style),
    ...section('Events', eventLines(events, view), view.style),
  ];
}
