import type { TrainingPlan } from '@kriptik/crds';
import { findCondition } from '@kriptik/operator/runtime/conditions.ts';
import { isConflict } from '@kriptik/operator/runtime/errors.ts';
import type { Command } from 'commander';
import type { View } from '../describe/common.ts';
import { describePlan, misfitLines, shortDigest } from '../describe/plan.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findPlan, getObject } from '../locate.ts';
import { quoteLine } from '../render/tiles.ts';
import { PLANS } from '../resources.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import { whoAmI } from '../whoami.ts';
import type { Open } from './open.ts';

interface DecideOptions {
  readonly yes?: boolean;
  readonly digest?: string;
  readonly reason?: string;
}

type Decision = 'Approved' | 'Denied';

export function registerApprove(program: Command, open: Open): void {
  add(program, open, 'approve', 'Approved', {
    summary: 'approve exactly the plan that is shown',
    description:
      "Show the tiles and the price, ask, and approve exactly this plan. The approval names the plan's digest: if the plan changes meanwhile, nothing is approved and the exit code is 5.",
  });
}

export function registerDeny(program: Command, open: Open): void {
  add(program, open, 'deny', 'Denied', {
    summary: 'deny a plan',
    description: 'Show the plan, ask, and deny it. Nothing is spent; a changed goal gets a new plan.',
  });
}

function add(
  program: Command,
  open: Open,
  name: string,
  decision: Decision,
  text: { summary: string; description: string },
): void {
  program
    .command(name)
    .summary(text.summary)
    .description(text.description)
    .argument('<target>', 'NAME of a goal or plan, or KIND/NAME')
    .option('-y, --yes', 'do not ask')
    .option('--digest <digest>', 'only if the plan still has this digest (at least 12 digits of it)')
    .option('--reason <text>', 'why, kept in the plan')
    .action(async (target: string, options: DecideOptions, command: Command) =>
      decide(open(command), target, decision, options),
    );
}

async function decide(session: Session, target: string, decision: Decision, options: DecideOptions): Promise<void> {
  const plan = await findPlan(session, target);
  const digest = decidable(plan, decision);
  checkDigest(plan, digest, options.digest);
  const verb = decision === 'Approved' ? 'Approve' : 'Deny';
  if (options.yes !== true) {
    if (!session.host.interactive) {
      throw usageError(
        `nobody can be asked: standard input is not a terminal`,
        `To ${verb.toLowerCase()} exactly this plan without a question: kriptik ${verb.toLowerCase()} ${plan.metadata.name} --yes --digest ${shortDigest(digest)}`,
      );
    }
    const view = viewOf(session);
    session.print([...describePlan(plan, view), ...caution(plan, decision, view)]);
    await confirm(session, question(plan, verb));
  } else if (session.options.quiet !== true) {
    const view = viewOf(session);
    session.print([...describePlan(plan, view, { brief: true }), ...caution(plan, decision, view)]);
  }
  await record(session, plan, digest, decision, options.reason);
  const goal = plan.spec.goalRef.name;
  session.print(`plan/${plan.metadata.name} ${decision.toLowerCase()} (digest ${shortDigest(digest)})`);
  session.note(
    decision === 'Approved'
      ? `Follow it: kriptik watch ${goal}`
      : `Change the goal for a new plan: kriptik describe ${goal}`,
  );
}

/** A plan that does not fit may be wanted all the same: it freezes with a checkpoint. But nobody should overlook it. */
function caution(plan: TrainingPlan, decision: Decision, view: View): string[] {
  return decision === 'Approved' ? misfitLines(plan, view) : [];
}

function question(plan: TrainingPlan, verb: string): string {
  const quote = plan.status?.quote;
  return `\n${verb} this plan${quote === undefined ? '' : `: ${quoteLine(quote)}`}? [y/N] `;
}

async function confirm(session: Session, text: string): Promise<void> {
  const answer = await session.host.ask(text);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new CliError(EXIT.refused, {
    what: 'not confirmed, nothing was changed',
    remedy: ['Answer y to go on, or choose other tiles with "kriptik select".'],
  });
}

/** The digest to decide on. @throws CliError when the plan cannot be decided now. */
function decidable(plan: TrainingPlan, decision: Decision): string {
  const name = plan.metadata.name;
  const { digest, approval, supersededBy, phase, conditions } = plan.status ?? {};
  const fail = (code: 1 | 4 | 5 | 6, what: string, ...remedy: string[]): CliError =>
    new CliError(code, { what, where: `plan/${name}`, remedy });
  if (supersededBy !== undefined) {
    throw fail(
      EXIT.conflict,
      `the plan was replaced by ${supersededBy}`,
      `Look at that one: kriptik approve ${supersededBy}`,
    );
  }
  const withdrawn = findCondition(conditions, 'Withdrawn');
  if (withdrawn?.status === 'True') {
    const story = `Look at what there is now: kriptik describe ${plan.spec.goalRef.name}`;
    throw fail(EXIT.conflict, `the proposal was withdrawn: ${withdrawn.message}`, story);
  }
  if (approval !== undefined && approval.digest === digest) {
    const done = `the plan was already ${approval.decision.toLowerCase()} by ${approval.user} at ${approval.at}`;
    throw fail(EXIT.conflict, done, 'A decision stands; change the goal for a new plan.');
  }
  if (digest === undefined)
    throw fail(EXIT.timeout, 'the plan is still being priced', `Wait for it: kriptik watch ${plan.spec.goalRef.name}`);
  if (decision === 'Approved' && phase === 'Blocked') {
    throw fail(
      EXIT.refused,
      `the plan cannot be approved: ${blockedBecause(plan)}`,
      `Choose something else (kriptik select ${name} gpu=ID) or change the goal.`,
    );
  }
  return digest;
}

function blockedBecause(plan: TrainingPlan): string {
  const failing = plan.status?.conditions?.find((condition) => condition.status === 'False');
  return failing?.message ?? 'a policy blocks it';
}

function checkDigest(plan: TrainingPlan, digest: string, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const digits = wanted.replace(/^sha256:/, '').toLowerCase();
  if (!/^[0-9a-f]{12,64}$/.test(digits))
    throw usageError(`"${wanted}" is not a digest`, 'Give at least its first 12 hexadecimal digits.');
  if (!digest.slice('sha256:'.length).startsWith(digits)) throw changed(plan, wanted, digest);
}

function changed(plan: TrainingPlan, shown: string, now: string): CliError {
  return new CliError(EXIT.conflict, {
    what: `the plan changed: it was ${shortDigest(shown)}, now it is ${shortDigest(now)}; nothing was decided`,
    where: `plan/${plan.metadata.name}`,
    remedy: [`Look at the new one: kriptik approve ${plan.metadata.name}`],
  });
}

/** How often the write is repeated when only other parts of the plan changed in between. */
const TRIES = 5;

/** Writes the decision, bound to the version that was read; repeats only while the digest stays the one shown. */
async function record(
  session: Session,
  shown: TrainingPlan,
  digest: string,
  decision: Decision,
  reason: string | undefined,
): Promise<void> {
  const user = await whoAmI(session);
  let plan = shown;
  for (let tries = 1; ; tries += 1) {
    if (plan.status?.digest !== digest) throw changed(plan, digest, plan.status?.digest ?? 'unknown');
    const at = session.host.clock.date().toISOString();
    const approval = { decision, digest, user, at, via: 'status', ...(reason === undefined ? {} : { reason }) };
    const { namespace, name, resourceVersion } = plan.metadata;
    try {
      await session.client
        .resource(PLANS)
        .status.patch({ namespace, name }, { metadata: { resourceVersion }, status: { approval } });
      return;
    } catch (error) {
      if (isConflict(error) && tries < TRIES) plan = await getObject(session, PLANS, name);
      else throw error;
    }
  }
}
