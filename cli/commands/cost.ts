import type { TrainingGoal } from '@kriptik/crds';
import { receiptsOfGone } from '@kriptik/operator/budget/receipts.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type CeilingRow, ceilingRows } from '../cost/ceilings.ts';
import {
  type CostRow,
  GROUPINGS,
  type Grouping,
  goalRows,
  jobRows,
  jobSpend,
  monthRows,
  namespaceRows,
  type Period,
  type Spent,
  totalOf,
} from '../cost/rows.ts';
import { ceilingLines, costTable } from '../cost/tables.ts';
import { usd } from '../describe/common.ts';
import { costLines } from '../describe/job.ts';
import { findJob } from '../locate.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import { GOALS, JOBS, RECEIPTS } from '../resources.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

interface CostOptions {
  readonly output: Format;
  readonly by: Grouping;
  readonly month?: string;
  readonly allNamespaces?: boolean;
}

export function registerCost(program: Command, open: Open): void {
  program
    .command('cost')
    .summary('what goals have cost and will cost')
    .description(
      'Show spend against the limit, computed to this moment. With a name: what it is made of, and the forecast. Without: every goal, job, namespace or month, the sum, and what a monthly ceiling leaves.',
    )
    .argument('[target]', 'NAME of a goal, plan or job')
    .addOption(new Option('--by <what>', 'one row for each').choices([...GROUPINGS]).default('goal'))
    .option('--month <month>', 'only what was billed in this month (UTC), such as 2026-11', month)
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (target: string | undefined, options: CostOptions, command: Command) => {
      const session = open(command);
      await (target === undefined ? costOfAll(session, options) : costOfOne(session, target, options));
    });
}

function month(text: string): string {
  if (/^[0-9]{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new InvalidArgumentError('Give a year and a month, such as 2026-11.');
}

async function costOfOne(session: Session, target: string, options: CostOptions): Promise<void> {
  const job = await findJob(session, target);
  const view = viewOf(session);
  const format = options.output;
  const period: Period = { now: view.now, month: options.month };
  const byMonth = options.by === 'month' || options.month !== undefined;
  const spent = { jobs: [job], receipts: [] };
  const months = byMonth ? monthRows(spent, period) : [];
  if (format === 'json' || format === 'yaml') {
    session.print(renderData(byMonth ? months : (jobRows(spent, period)[0] ?? {}), format));
  } else if (byMonth) session.print(costTable(months, 'month', false));
  else if (job.status?.cost === undefined && jobSpend(job, period).total === 0)
    session.print(`job/${job.metadata.name} has cost nothing yet.`);
  else session.print(costLines(job, view).map((line) => line.replace(/^ {2}/, '')));
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
  // After the jobs: one that was deleted meanwhile has left its receipt.
  const receipts = await session.client.resource(RECEIPTS).list(scope);
  const spent = { jobs: jobs.items, receipts: receiptsOfGone(receipts.items, jobs.items) };
  const { now } = viewOf(session);
  const rows = rowsBy(options.by, goals.items, spent, { now, month: options.month });
  const ceilings = await ceilingRows(session, spent, now);
  const total = totalOf(rows);
  if (options.output === 'json' || options.output === 'yaml') {
    session.print(renderData({ rows, total, ceilings } satisfies CostReport, options.output));
    return;
  }
  session.print(costTable(rows, options.by, options.allNamespaces === true && options.by !== 'month'));
  session.print(
    `Total spent${options.month === undefined ? '' : ` in ${options.month}`}: ${usd(total.spent)} (compute ${usd(total.compute)}, storage ${usd(total.storage)}, fee ${usd(total.platformFee)})`,
  );
  for (const line of ceilingLines(ceilings)) session.print(line);
}

/** What `-o json` prints without a name. */
interface CostReport {
  readonly rows: readonly CostRow[];
  readonly total: ReturnType<typeof totalOf>;
  readonly ceilings: readonly CeilingRow[];
}

function rowsBy(by: Grouping, goals: readonly TrainingGoal[], spent: Spent, period: Period): CostRow[] {
  switch (by) {
    case 'goal':
      return goalRows(goals, spent, period);
    case 'job':
      return jobRows(spent, period);
    case 'namespace':
      return namespaceRows(spent, period);
    case 'month':
      return monthRows(spent, period);
  }
}
