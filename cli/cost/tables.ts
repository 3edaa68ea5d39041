import { usd } from '../describe/common.ts';
import { renderTable } from '../render/table.ts';
import type { CeilingRow } from './ceilings.ts';
import type { CostRow, Grouping } from './rows.ts';

interface Shown {
  readonly title: string;
  readonly of: (row: CostRow) => string;
  readonly align?: 'right';
}

const money = (title: string, of: (row: CostRow) => string | undefined): Shown => ({
  title,
  of: (row) => usd(of(row)),
  align: 'right',
});
const text = (title: string, of: (row: CostRow) => string | undefined): Shown => ({
  title,
  of: (row) => of(row) ?? '-',
});

const NAMESPACE = text('NAMESPACE', (row) => row.namespace);
const PARTS: readonly Shown[] = [
  money('COMPUTE', (row) => row.compute),
  money('STORAGE', (row) => row.storage),
  money('FEE', (row) => row.platformFee),
  money('SPENT', (row) => row.spent),
];
const PROMISES: readonly Shown[] = [
  money('LIMIT', (row) => row.limit),
  { title: 'USED', of: (row) => (row.percentUsed === undefined ? '-' : `${row.percentUsed} %`), align: 'right' },
  money('RESERVE', (row) => row.reserve),
  { title: 'FORECAST', of: forecastText, align: 'right' },
];

const COLUMNS: Readonly<Record<Grouping, readonly Shown[]>> = {
  goal: [text('GOAL', (row) => row.goal), text('PHASE', (row) => row.phase), ...PARTS, ...PROMISES],
  job: [text('JOB', (row) => row.job), text('PHASE', (row) => row.phase), ...PARTS, ...PROMISES],
  namespace: [...PARTS],
  month: [text('MONTH', (row) => row.month), ...PARTS],
};

/** Rows as a table for people; with `namespaces` a column that tells them apart. */
export function costTable(rows: readonly CostRow[], by: Grouping, namespaces: boolean): string {
  const columns = [...(namespaces || by === 'namespace' ? [NAMESPACE] : []), ...COLUMNS[by]];
  return renderTable(
    columns,
    rows.map((row) => columns.map(({ of }) => of(row))),
  );
}

/** `$4.10 ($3.80-$4.60)`. */
function forecastText({ forecast, forecastLow, forecastHigh }: CostRow): string {
  if (forecast === undefined) return '-';
  const band =
    forecastLow === undefined || forecastHigh === undefined ? '' : ` (${usd(forecastLow)}-${usd(forecastHigh)})`;
  return `${usd(forecast)}${band}`;
}

/** One line a namespace that has a ceiling. */
export function ceilingLines(ceilings: readonly CeilingRow[]): string[] {
  return ceilings.map(
    ({ namespace, ceiling, policies, spent, reserved, left }) =>
      `Namespace ${namespace} may spend ${usd(ceiling)} this month (TrainingPolicy ${policies.join(', ')}): ${usd(spent)} spent, ${usd(reserved)} reserved, ${usd(left)} left`,
  );
}
