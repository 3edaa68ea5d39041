import type { TrainingGoal, TrainingJob } from '@kriptik/crds';
import type { Command } from 'commander';
import { seconds } from '../arguments.ts';
import { usd } from '../describe/common.ts';
import { suggestedRaise } from '../describe/steps.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findJob, getObject, tryGet } from '../locate.ts';
import { GOALS, JOBS } from '../resources.ts';
import type { Session } from '../session.ts';
import { waitFor } from '../wait.ts';
import type { Open } from './open.ts';

interface ScaleOptions {
  readonly wait?: boolean;
  readonly timeout: number;
}

export function registerPause(program: Command, open: Open): void {
  program
    .command('pause')
    .summary('save a checkpoint and stop a job; nothing is billed while it is paused')
    .description(
      'Scale a job to zero: a checkpoint is saved and verified, the instance is terminated. "kriptik resume" goes on from there.',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('--wait', 'wait until it is paused')
    .option('--timeout <seconds>', 'how long to wait', seconds, 300)
    .action(async (target: string, options: ScaleOptions, command: Command) => pause(open(command), target, options));
}

export function registerResume(program: Command, open: Open): void {
  program
    .command('resume')
    .summary('go on with a paused or failed job from its checkpoint')
    .description(
      'Scale a paused job to one, or try a failed one again. A job that froze at its budget needs a raise instead: "kriptik raise".',
    )
    .argument('<target>', 'NAME of a goal or job, or KIND/NAME')
    .option('--wait', 'wait until it runs')
    .option('--timeout <seconds>', 'how long to wait', seconds, 300)
    .action(async (target: string, options: ScaleOptions, command: Command) => resume(open(command), target, options));
}

const FINAL = new Set(['Succeeded', 'Failed', 'Terminated', 'Terminating', 'Superseded']);

async function pause(session: Session, target: string, options: ScaleOptions): Promise<void> {
  const job = await findJob(session, target);
  const phase = job.status?.phase ?? 'Pending';
  refuseFinal(job, phase, 'paused');
  if (job.spec.replicas === 0)
    session.print(`job/${job.metadata.name} is ${phase === 'Paused' ? 'already paused' : 'already being paused'}`);
  else {
    await scale(session, job, 0);
    session.print(`job/${job.metadata.name} pausing: a checkpoint is saved first`);
  }
  if (options.wait === true) await waitForPhase(session, job, ['Paused', 'Frozen'], options.timeout);
  else session.note(`Wait for it: kriptik watch ${job.spec.goalRef.name} --until Paused`);
}

async function resume(session: Session, target: string, options: ScaleOptions): Promise<void> {
  const job = await findJob(session, target);
  const phase = job.status?.phase ?? 'Pending';
  if (phase !== 'Failed') refuseFinal(job, phase, 'resumed');
  const goal = await tryGet(session, GOALS, job.spec.goalRef.name);
  refuseSuspended(goal);
  refuseFrozen(job, phase);
  // What failed is tried again on a change of its spec: to zero and back.
  const again = phase === 'Failed' && job.spec.replicas === 1;
  if (again) await scale(session, job, 0);
  if (job.spec.replicas === 1 && !again) session.print(`job/${job.metadata.name} is not paused, it is ${phase}`);
  else {
    await scale(session, job, 1);
    const saved = job.status?.checkpoints?.findLast(({ verifiedAt }) => verifiedAt !== undefined);
    session.print(`job/${job.metadata.name} resuming${saved === undefined ? '' : ` from step ${saved.step}`}`);
  }
  if (options.wait === true) await waitForPhase(session, job, ['Running', 'Succeeded'], options.timeout);
  else session.note(`Follow it: kriptik watch ${job.spec.goalRef.name}`);
}

function scale(session: Session, job: TrainingJob, replicas: 0 | 1): Promise<unknown> {
  const { namespace, name } = job.metadata;
  return session.client
    .resource(JOBS)
    .scale.patch({ namespace, name }, { spec: { replicas } }, { signal: session.host.signal });
}

function refuseFinal(job: TrainingJob, phase: string, what: string): void {
  if (!FINAL.has(phase)) return;
  throw new CliError(EXIT.refused, {
    what: `the job cannot be ${what}: it is ${phase}`,
    where: `job/${job.metadata.name}`,
    remedy: [`See what came of it: kriptik describe ${job.spec.goalRef.name}`],
  });
}

function refuseSuspended(goal: TrainingGoal | undefined): void {
  if (goal?.spec.suspend !== true) return;
  throw new CliError(EXIT.refused, {
    what: 'the goal is suspended, so its job stays paused',
    where: `goal/${goal.metadata.name}, spec.suspend`,
    remedy: ["Set spec.suspend to false in the goal's file and apply it."],
  });
}

function refuseFrozen(job: TrainingJob, phase: string): void {
  const frozen = phase === 'Frozen' || phase === 'Freezing';
  const { cost, freeze } = job.status ?? {};
  if (!frozen || (freeze !== undefined && freeze.reason !== 'Budget')) return;
  const goal = job.spec.goalRef.name;
  throw new CliError(EXIT.refused, {
    what: `the job froze at its budget${cost === undefined ? '' : `: ${usd(cost.spent)} of ${usd(cost.limit)} are spent and ${usd(cost.reserve)} are kept to save the work`}; only a raise lets it go on`,
    where: `job/${job.metadata.name}`,
    remedy: [`kriptik raise ${goal} --by ${suggestedRaise(job)}`, `or keep what there is: kriptik download ${goal}`],
  });
}

async function waitForPhase(
  session: Session,
  job: TrainingJob,
  phases: readonly string[],
  timeout: number,
): Promise<void> {
  const phase = await waitFor(
    session,
    async () => {
      const { status } = await getObject(session, JOBS, job.metadata.name);
      return status?.phase !== undefined && (phases.includes(status.phase) || FINAL.has(status.phase))
        ? status.phase
        : undefined;
    },
    {
      what: `job/${job.metadata.name} to be ${phases[0] ?? ''}`,
      timeoutMs: timeout * 1000,
      remedy: [`Look at it: kriptik describe ${job.metadata.name}`],
    },
  );
  session.print(`job/${job.metadata.name} is ${phase}`);
}
