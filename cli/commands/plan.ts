import { availableParallelism, totalmem } from 'node:os';
import type { ComputeProvider, TrainingGoal, TrainingPlan, TrainingPolicy } from '@kriptik/crds';
import { formatMoney, type MicroUsd } from '@kriptik/operator/money.ts';
import type { Preview } from '@kriptik/operator/plan/preview.ts';
import type { Command } from 'commander';
import { amount, seconds } from '../arguments.ts';
import { describePlan } from '../describe/plan.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { findGoal, findPlan } from '../locate.ts';
import { type Format, outputOption, renderData, renderObjects } from '../output.ts';
import { POLICIES, PROVIDERS } from '../resources.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import { waitFor } from '../wait.ts';
import { readManifests } from './apply.ts';
import { DEFAULT_RATE, type LocalRate, localProvider } from './localprovider.ts';
import type { Open } from './open.ts';

interface PlanOptions {
  readonly filename?: string;
  readonly rate?: MicroUsd;
  readonly timeout: number;
  readonly output: Format;
}

export function registerPlan(program: Command, open: Open): void {
  program
    .command('plan')
    .summary('show the priced plan of a goal, also before anything is applied')
    .description(
      'With a name: wait for the plan of an applied goal and show its tiles and price. With -f FILE: plan and price the goal here, changing nothing; providers and policies are those of the cluster, or this machine at --rate when no cluster answers.',
    )
    .argument('[target]', 'NAME of a goal or plan')
    .option('-f, --filename <path>', 'a file with a goal, or - for standard input')
    .option('--rate <usd>', 'price of one hour of this machine, when no cluster answers', amount)
    .option('--timeout <seconds>', 'how long to wait for the plan', seconds, 120)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (target: string | undefined, options: PlanOptions, command: Command) => {
      const session = open(command);
      if ((target === undefined) === (options.filename === undefined)) {
        throw usageError('name either a goal or a file', 'kriptik plan NAME, or kriptik plan -f goal.yaml');
      }
      await (target === undefined
        ? planFile(session, options.filename ?? '', options)
        : planApplied(session, target, options));
    });
}

async function planApplied(session: Session, target: string, options: PlanOptions): Promise<void> {
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
  return new CliError(EXIT.refused, {
    what: 'the goal cannot be planned as it is',
    where: `plan/${plan.metadata.name}`,
    details: failing === undefined ? [] : [failing.message],
    remedy: ['Change what it names in the goal, then apply it again.'],
  });
}

async function planFile(session: Session, file: string, options: PlanOptions): Promise<void> {
  const found = (await readManifests(session, [file])).filter(({ object }) => object.kind === 'TrainingGoal');
  const [first] = found;
  if (first === undefined)
    throw usageError('the file holds no TrainingGoal', 'Name a file with a goal; examples/ shows how.');
  const goal = first.whole as TrainingGoal;
  // The brains load a catalog: only those who plan pay for it.
  const [{ previewPlan }, { loadCatalog }, { hubProbe }, { localDataCheck }] = await Promise.all([
    import('@kriptik/operator/plan/preview.ts'),
    import('@kriptik/operator/catalog/catalog.ts'),
    import('@kriptik/operator/hub.ts'),
    import('@kriptik/operator/provider/data-check.ts'),
  ]);
  const market = { catalog: loadCatalog(), machine: { cpus: availableParallelism(), memoryBytes: totalmem() } };
  const preview = await previewPlan({
    goal,
    ...(await surroundings(session, { pricePerHour: options.rate })),
    market,
    hubReachable: await hubProbe(session.host.env, session.host.clock)(),
    checkData: localDataCheck(session.host.env),
    now: session.now(),
  });
  showPreview(session, goal, preview, options.output, file);
}

/** Providers and policies of the cluster, or this machine where there is none. */
async function surroundings(
  session: Session,
  rate: LocalRate,
): Promise<{ providers: ComputeProvider[]; policies: TrainingPolicy[] }> {
  const machine = { providers: [localProvider('local', rate)], policies: [] };
  if (rate.pricePerHour !== undefined) return machine;
  try {
    const call = { signal: session.host.signal, timeoutMs: 3_000 };
    const [providers, policies] = await Promise.all([
      session.client.resource(PROVIDERS).list(call),
      session.client.resource(POLICIES).list(call),
    ]);
    if (providers.items.length > 0) return { providers: providers.items, policies: policies.items };
    session.note('The cluster has no provider yet: priced for this machine.');
  } catch {
    session.note(`No cluster answers: priced for this machine at ${formatMoney(DEFAULT_RATE)} USD an hour (--rate).`);
  }
  return machine;
}

function showPreview(session: Session, goal: TrainingGoal, preview: Preview, format: Format, file: string): void {
  const { name } = goal.metadata;
  if ('questions' in preview) {
    throw new CliError(EXIT.error, {
      what: 'the goal is too vague to be planned responsibly',
      where: file,
      details: preview.questions.map((entry) => `${entry.field}: ${entry.question}`),
      remedy: ['Answer these in the goal.'],
    });
  }
  if ('refused' in preview)
    throw new CliError(EXIT.refused, {
      what: `the goal is refused: ${preview.refused}`,
      where: file,
      remedy: ['Change the goal.'],
    });
  if ('blocked' in preview) {
    throw new CliError(EXIT.refused, {
      what: `the goal cannot be planned: ${preview.blocked.message}`,
      where: file,
      remedy: [preview.blocked.remedy],
    });
  }
  if (format === 'json' || format === 'yaml') {
    session.print(renderData(preview, format));
    return;
  }
  const { contract, tiles, resolved, quote, digest } = preview;
  const plan = {
    apiVersion: 'training.kriptik.ai/v1alpha1',
    kind: 'TrainingPlan',
    metadata: { name: `of ${name} (not applied)`, namespace: '', uid: '', generation: 1 },
    spec: { goalRef: { name, uid: '' }, contract },
    status: { phase: 'Preview', tiles: [...tiles], resolved, quote, digest },
  } satisfies TrainingPlan;
  session.print(describePlan(plan, viewOf(session)));
  session.note(`\nNothing was applied. To ask for exactly this: kriptik apply -f ${file}`);
}
