import type { TrainingGoal, TrainingJob } from '@kriptik/crds';
import { addMoney, formatMoney, formatUsd, parseMoney, zeroMoney } from '@kriptik/operator/money.ts';
import type { Command } from 'commander';
import { usd } from '../describe/common.ts';
import { costLines } from '../describe/job.ts';
import { findJob } from '../locate.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import { renderTable } from '../render/table.ts';
import { GOALS, JOBS } from '../resources.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

interface CostOptions {
  readonly output: Format;
  readonly allNamespaces?: boolean;
}

export function registerCost(program: Command, open: Open): void {
  program
    .command('cost')
    .summary('what goals have cost and will cost')
    .description(
      'Show spend against the limit. With a name: what it is made of, and the forecast. Without: every goal and the sum.',
    )
    .argument('[target]', 'NAME of a goal, plan or job')
    .option('-A, --all-namespaces', 'goals of every namespace')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (target: string | undefined, options: CostOptions, command: Command) => {
      const session = open(command);
      await (target === undefined ? costOfAll(session, options) : costOfOne(session, target, options.output));
    });
}

async function costOfOne(session: Session, target: string, format: Format): Promise<void> {
  const job = await findJob(session, target);
  if (format === 'json' || format === 'yaml') session.print(renderData(job.status?.cost ?? {}, format));
  else if (job.status?.cost === undefined) session.print(`job/${job.metadata.name} has cost nothing yet.`);
  else session.print(costLines(job, viewOf(session)).map((line) => line.replace(/^ {2}/, '')));
}

/** Spend of one goal, ready to be shown or summed. Amounts are decimal US dollars. */
export interface CostRow {
  readonly namespace: string;
  readonly goal: string;
  readonly phase: string;
  readonly spent: string;
  readonly limit?: string | undefined;
  readonly percentUsed?: number | undefined;
  readonly forecast?: string | undefined;
}

/** One row a goal. A goal's earlier jobs (of plans it superseded) count towards its spend. */
export function costRows(goals: readonly TrainingGoal[], jobs: readonly TrainingJob[]): CostRow[] {
  return goals.map((goal) => {
    const mine = jobs.filter(
      ({ metadata, spec }) => metadata.namespace === goal.metadata.namespace && spec.goalRef.uid === goal.metadata.uid,
    );
    const spent = mine.reduce((sum, job) => addMoney(sum, parseMoney(job.status?.cost?.spent ?? '0')), zeroMoney);
    const current = mine.find(({ metadata }) => metadata.name === goal.status?.jobRef?.name)?.status?.cost;
    return {
      namespace: goal.metadata.namespace,
      goal: goal.metadata.name,
      phase: goal.status?.phase ?? '-',
      spent: formatMoney(spent),
      limit: current?.limit ?? goal.status?.budget?.limit ?? goal.spec.budget?.limit,
      percentUsed: current?.percentUsed,
      forecast: current?.forecast,
    };
  });
}

async function costOfAll(session: Session, options: CostOptions): Promise<void> {
  const scope = {
    namespace: options.allNamespaces === true ? undefined : session.namespace,
    signal: session.host.signal,
  };
  const [goals, jobs] = await Promise.all([
    session.client.resource(GOALS).list(scope),
    session.client.resource(JOBS).list(scope),
  ]);
  const rows = costRows(goals.items, jobs.items);
  if (options.output === 'json' || options.output === 'yaml') {
    session.print(renderData(rows, options.output));
    return;
  }
  const total = rows.reduce((sum, row) => addMoney(sum, parseMoney(row.spent)), zeroMoney);
  const namespaces = options.allNamespaces === true;
  const cells = (row: CostRow): string[] => [
    ...(namespaces ? [row.namespace] : []),
    row.goal,
    row.phase,
    usd(row.spent),
    usd(row.limit),
    row.percentUsed === undefined ? '-' : `${row.percentUsed} %`,
    usd(row.forecast),
  ];
  const columns = [
    ...(namespaces ? [{ title: 'NAMESPACE' }] : []),
    { title: 'GOAL' },
    { title: 'PHASE' },
    { title: 'SPENT', align: 'right' as const },
    { title: 'LIMIT', align: 'right' as const },
    { title: 'USED', align: 'right' as const },
    { title: 'FORECAST', align: 'right' as const },
  ];
  session.print(renderTable(columns, rows.map(cells)));
  session.print(`Total spent: ${formatUsd(total)}`);
}
