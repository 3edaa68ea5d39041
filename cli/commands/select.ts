import type { TrainingPlan } from '@kriptik/crds';
import type { Command } from 'commander';
import { seconds } from '../arguments.ts';
import { checkSelection, parseChoices } from '../choices.ts';
import { usd } from '../describe/common.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findPlan, getObject } from '../locate.ts';
import { hours } from '../render/duration.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';
import { PLANS } from '../resources.ts';
import type { Session } from '../session.ts';
import { waitFor } from '../wait.ts';
import type { Open } from './open.ts';

interface SelectOptions {
  readonly wait: boolean;
  readonly timeout: number;
}

export function registerSelect(program: Command, open: Open): void {
  program
    .command('select')
    .summary('choose other alternatives of a plan and see the new price')
    .description(
      'Choose alternatives by tile, such as gpu=ID or model=ID; "kriptik describe" lists them. TILE=default takes the planner\'s choice back. The plan is priced again and gets a new digest.',
    )
    .argument('<target>', 'NAME of a goal or plan, or KIND/NAME')
    .argument('<choices...>', 'TILE=ALTERNATIVE, with TILE one of model, method, data, gpu, budget')
    .option('--no-wait', 'do not wait for the new price')
    .option('--timeout <seconds>', 'how long to wait', seconds, 60)
    .action(async (target: string, choices: string[], options: SelectOptions, command: Command) =>
      select(open(command), target, choices, options),
    );
}

async function select(
  session: Session,
  target: string,
  words: readonly string[],
  options: SelectOptions,
): Promise<void> {
  const selection = parseChoices(words);
  const plan = await findPlan(session, target);
  const { namespace, name } = plan.metadata;
  if (plan.status?.approval?.decision === 'Approved' && plan.status.approval.digest === plan.status.digest) {
    throw new CliError(EXIT.refused, {
      what: 'the plan is approved and cannot change any more',
      where: `plan/${name}`,
      remedy: ['Change the goal: it gets a new plan, which supersedes this one.'],
    });
  }
  checkSelection(plan.status?.tiles ?? [], selection);
  const changed = await session.client
    .resource(PLANS)
    .patch({ namespace, name }, { spec: { selection } }, { signal: session.host.signal });
  session.print(`plan/${name} ${changed.metadata.generation === plan.metadata.generation ? 'unchanged' : 'changed'}`);
  if (changed.metadata.generation === plan.metadata.generation || !options.wait) return;
  const priced = await waitFor(
    session,
    async () => settled(await getObject(session, PLANS, name), changed.metadata.generation),
    {
      what: 'the new price',
      timeoutMs: options.timeout * 1000,
      remedy: ['The operator may not run: kriptik doctor.', `Look again: kriptik describe plan/${name}`],
    },
  );
  session.print(changeTable(plan, priced));
  session.note(`Approve it: kriptik approve ${name}`);
}

/** The plan once the operator has answered to this generation. */
function settled(plan: TrainingPlan, generation: number | undefined): TrainingPlan | undefined {
  const { observedGeneration, quote, phase } = plan.status ?? {};
  const seen = observedGeneration !== undefined && observedGeneration >= (generation ?? 0);
  return seen && (quote !== undefined || phase === 'Blocked') && phase !== 'Pricing' ? plan : undefined;
}

/** What the selection changed: tiles, total, time. Only lines that differ, and always the total. */
function changeTable(before: TrainingPlan, after: TrainingPlan): string {
  const titles = (plan: TrainingPlan): Map<string, string> =>
    new Map((plan.status?.tiles ?? []).map((tile) => [tile.name, printable(tile.title)]));
  const old = titles(before);
  const rows = [...titles(after)]
    .filter(([tile, title]) => old.get(tile) !== title)
    .map(([tile, title]) => [tile, old.get(tile) ?? '-', title]);
  const [was, is] = [before.status?.quote, after.status?.quote];
  rows.push(['Total', usd(was?.total.expected), usd(is?.total.expected)]);
  rows.push([
    'Time',
    was === undefined ? '-' : hours(was.hours.expected),
    is === undefined ? '-' : hours(is.hours.expected),
  ]);
  rows.push(['Fits', was === undefined ? '-' : String(was.fits), is === undefined ? '-' : String(is.fits)]);
  return renderTable([{ title: '' }, { title: 'BEFORE' }, { title: 'NOW' }], rows).replace('<none>', '      ');
}
