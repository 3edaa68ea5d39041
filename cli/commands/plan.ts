import type { TrainingPlan } from '@kriptik/crds';
import type { Preview } from '@kriptik/operator/plan/preview.ts';
import type { Command } from 'commander';
import { amount, collect, seconds } from '../arguments.ts';
import { parseChoices } from '../choices.ts';
import { describePlan } from '../describe/plan.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findGoal, findPlan } from '../locate.ts';
import { type Format, outputOption, renderData, renderObjects } from '../output.ts';
import { goalOfFile, goalOfText, type PlanInput } from '../plan/input.ts';
import { markdownFault, markdownPlan } from '../plan/markdown.ts';
import { documentOf, unplanned } from '../plan/outcome.ts';
import { renderPlan } from '../plan/screen.ts';
import type { Place, SurroundingsOptions } from '../plan/surroundings.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import { waitFor } from '../wait.ts';
import type { Open } from './open.ts';

interface PlanOptions extends SurroundingsOptions {
  readonly filename?: string;
  readonly set?: readonly string[];
  readonly why?: boolean;
  readonly timeout: number;
  readonly output: Format | 'markdown';
}

export function registerPlan(program: Command, open: Open): void {
  program
    .command('plan')
    .summary('show the priced plan of a goal, also before anything is applied')
    .description(
      'With a name: wait for the plan of an applied goal and show its tiles and price. With -f FILE, or the goal in words: plan and price it here, changing nothing. Providers and policies are those named by --provider and --policy or found in the same files, else those of the cluster; without a cluster the price is that of published list prices, and needs no network.',
    )
    .argument('[target]', 'NAME of a goal or plan, or a goal in words')
    .option(
      '-f, --filename <path>',
      'a file with a goal (YAML, JSON or plain words), a folder, or - for standard input',
    )
    .option('--set <tile=choice>', 'choose another alternative and show what it changes (may be repeated)', collect)
    .option('--why', 'show the reason for every value')
    .option('--policy <path>', 'file with a TrainingPolicy that must hold (may be repeated)', collect)
    .option('--provider <path>', 'file with a ComputeProvider to plan on (may be repeated)', collect)
    .option('--rate <usd>', 'plan on this machine alone, at this price an hour', amount)
    .option('--offline', 'ask no cluster and no Hub')
    .option('--timeout <seconds>', 'how long to wait for the plan of an applied goal', seconds, 120)
    .addOption(outputOption(['table', 'json', 'yaml', 'markdown']))
    .action(async (given: string | undefined, options: PlanOptions, command: Command) => {
      const session = open(command);
      const target = given?.trim() === '' ? undefined : given;
      const { filename } = options;
      if ((target === undefined) === (filename === undefined)) {
        throw usageError('name either a goal or a file', 'kriptik plan NAME, or kriptik plan -f goal.yaml');
      }
      if (filename !== undefined) await planHere(session, await goalOfFile(session, filename), options);
      else if (target !== undefined && WORDS.test(target))
        await planHere(session, goalOfText(target, 'the goal in words'), options);
      else await planApplied(session, target ?? '', options);
    });
}

/** What no name of an object holds: words in Chinese or Japanese have no spaces between them. */
const WORDS = /[^\x21-\x7e]/;

/** Options that say how a goal is planned here; an applied goal is planned by the operator. */
const ONLY_HERE = ['set', 'why', 'policy', 'provider', 'rate', 'offline'] as const;

async function planApplied(session: Session, target: string, options: PlanOptions): Promise<void> {
  const foreign = ONLY_HERE.find((name) => options[name] !== undefined);
  if (foreign !== undefined || options.output === 'markdown')
    throw usageError(
      `${foreign === undefined ? '-o markdown' : `--${foreign}`} is for goals that are planned here`,
      'Name the file with -f. For an applied goal: "kriptik select" chooses, "kriptik describe" tells the reasons.',
    );
  const { connect } = await import('../connection.ts');
  session.useConnector(connect);
  const plan = await waitFor(session, () => pricedPlan(session, target), {
    what: `the plan of ${target}`,
    timeoutMs: options.timeout * 1000,
    remedy: ['The operator may not run: kriptik doctor.', `See how far it is: kriptik describe ${target}`],
  });
  if (options.output === 'json' || options.output === 'yaml')
    session.print(renderObjects([plan], options.output, true));
  else session.print(describePlan(plan, viewOf(session)));
  if (plan.status?.phase === 'Blocked') throw blocked(plan);
  if (plan.status?.phase === 'AwaitingApproval')
    session.note(`\nApprove exactly this plan: kriptik approve ${plan.spec.goalRef.name}`);
}

/** The plan that answers to the goal as it is now, once it is priced or blocked; undefined while it is not there. */
async function pricedPlan(session: Session, target: string): Promise<TrainingPlan | undefined> {
  const goal = await findGoal(session, target);
  const { observedGeneration, planRef, intent } = goal.status ?? {};
  if ((observedGeneration ?? 0) < (goal.metadata.generation ?? 0)) return undefined;
  // Refused and unclear goals never get a plan: finding it then tells why.
  if (planRef === undefined && (intent === undefined || intent.outcome === 'Planned')) return undefined;
  const plan = await findPlan(session, `goal/${goal.metadata.name}`);
  const { phase, digest } = plan.status ?? {};
  return digest !== undefined || phase === 'Blocked' ? plan : undefined;
}

function blocked(plan: TrainingPlan): CliError {
  const failing = plan.status?.conditions?.find((condition) => condition.status === 'False');
  return new CliError(failing?.reason === 'ForbiddenByPolicy' ? EXIT.overPolicy : EXIT.unplannable, {
    what: 'the goal cannot be planned as it is',
    where: `plan/${plan.metadata.name}`,
    details: failing === undefined ? [] : [failing.message],
    remedy: ['Change what it names in the goal, then apply it again.'],
  });
}

/** A person waits: facts that the Hub does not give within this time are the catalog's, in ms. */
const HUB_TIMEOUT_MS = 1_500;

/** Plans and prices a goal here. Throws once everything was printed where there is no plan. */
async function planHere(session: Session, input: PlanInput, options: PlanOptions): Promise<void> {
  const selection = parseChoices(options.set ?? []);
  // The brains load a catalog: only those who plan pay for it.
  const [{ previewPlan }, { currentCatalog, overlayPath }, { localDataCheck }, { placeOf }, { hubFrom }] =
    await Promise.all([
      import('@kriptik/operator/plan/preview.ts'),
      import('@kriptik/operator/catalog/overlay.ts'),
      import('@kriptik/operator/provider/data-check.ts'),
      import('../plan/surroundings.ts'),
      import('@kriptik/operator/hub/config.ts'),
    ]);
  const catalog = await currentCatalog(overlayPath(session.host.env, session.host.home));
  const place = await placeOf(session, input, catalog, options);
  const preview = await previewPlan({
    goal: input.goal,
    surroundings: place.of,
    policies: place.policies,
    namespaceLabels: place.namespaceLabels,
    selection: Object.fromEntries(Object.entries(selection).filter(([, id]) => id !== null)),
    market: { catalog, machine: place.machine },
    hub: hubFrom(options.offline === true ? { HF_HUB_OFFLINE: '1' } : session.host.env, {
      now: () => session.now(),
      timeoutMs: HUB_TIMEOUT_MS,
    }),
    // As the operator of a cluster does; without one nobody's network may change a plan.
    pin: place.cluster,
    checkData: localDataCheck(session.host.env),
    now: session.now(),
  });
  show(session, input, place, preview, options);
}

function show(session: Session, input: PlanInput, place: Place, preview: Preview, options: PlanOptions): void {
  const { output: format } = options;
  if (format === 'json' || format === 'yaml') session.print(renderData(documentOf(preview), format));
  if (!('digest' in preview)) {
    const error = unplanned(preview, input, session.host.stderr.columns);
    if (format === 'markdown') session.print(markdownFault(input.goal.metadata.name, error.fault));
    throw error;
  }
  const shown = {
    name: input.goal.metadata.name,
    source: place.source(preview.contract),
    why: options.why === true,
  };
  if (format === 'markdown') session.print(markdownPlan(preview, shown));
  if (format !== 'table') return;
  session.print(renderPlan(preview, shown, viewOf(session)));
  const apply =
    input.file === undefined || input.file === '-' ? 'kriptik apply -f FILE' : `kriptik apply -f ${input.file}`;
  session.note(`\nNothing was applied. To ask for exactly this:\n  ${apply}`);
}
