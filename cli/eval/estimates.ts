import type { EstimateScores, ScoredRow } from '@kriptik/operator/eval/estimates.ts';
import { dimHeader, type View } from '../describe/common.ts';
import { section } from '../render/section.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';

const UNITS: Readonly<Record<ScoredRow['quantity'], string>> = {
  tokens_per_s_per_gpu: 'tok/s/GPU',
  samples_per_s: 'rows/s',
  seconds_per_step: 's/step',
  hours: 'hours',
  memory_gb: 'GB',
  memory_gib: 'GiB',
};

/** The errors over all rows, then every row with the ratio of estimate to measurement. */
export function renderEstimateScores({ median, p90, rows }: EstimateScores, view: View): string[] {
  const columns = [
    { title: 'LINE', align: 'right' },
    { title: 'RUN' },
    { title: 'ON' },
    { title: 'IN' },
    { title: 'MEASURED', align: 'right' },
    { title: 'ESTIMATED', align: 'right' },
    { title: 'RATIO', align: 'right' },
    { title: 'NOTE' },
  ] as const;
  return [
    `${rows.length} rows: median error ${percent(median)}, nine of ten within ${percent(p90)}`,
    ...section('Rows', dimHeader(renderTable(columns, rows.map(cells), { width: view.width }), view.style), view.style),
  ];
}

function cells(row: ScoredRow): string[] {
  return [
    String(row.line),
    `${row.method} ${row.modality} ${row.billions}B`,
    printable(`${row.gpus > 1 ? `${row.gpus}x` : ''}${row.gpu}`),
    UNITS[row.quantity],
    significant(row.published),
    significant(row.predicted),
    row.ratio.toFixed(2),
    printable(row.note) || '-',
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Four digits that count. */
function significant(value: number): string {
  return String(Number(value.toPrecision(4)));
}
