import { type IntentScores, type Miss, SCORED, type Scored } from '@kriptik/operator/eval/intent.ts';
import { dimHeader, type View } from '../describe/common.ts';
import { section } from '../render/section.ts';
import { renderTable } from '../render/table.ts';
import { printable } from '../render/width.ts';

const LABELS: Readonly<Record<Scored, string>> = {
  modality: 'modality',
  method: 'method',
  baseModel: 'base model',
  budget: 'budget',
  mustClarify: 'must clarify (F1)',
  refuse: 'refuse (F1)',
  injection: 'injection (F1)',
  conflict: 'conflict (F1)',
};

/** The scores, then every miss. */
export function renderIntentScores({ scores, misses }: IntentScores, goals: number, view: View): string[] {
  const rows = SCORED.map((field) => [
    LABELS[field],
    `${(scores[field] * 100).toFixed(1)} %`,
    String(misses.filter((miss) => miss.field === field).length),
  ]);
  const columns = [
    { title: 'SCORED' },
    { title: 'SCORE', align: 'right' },
    { title: 'MISSES', align: 'right' },
  ] as const;
  return [
    `${goals} goals`,
    '',
    ...dimHeader(renderTable(columns, rows), view.style),
    ...section('Misses', misses.length === 0 ? [] : missLines(misses, view), view.style),
  ];
}

function missLines(misses: readonly Miss[], { style, width }: View): string[] {
  const columns = [{ title: 'ID' }, { title: 'FIELD' }, { title: 'EXPECTED' }, { title: 'GOT' }, { title: 'TEXT' }];
  const rows = misses.map(({ id, field, expected, got, text }) => [
    printable(id),
    LABELS[field].replace(' (F1)', ''),
    shown(expected),
    shown(got),
    printable(text),
  ]);
  return dimHeader(renderTable(columns, rows, { indent: '  ', width }), style);
}

function shown(value: unknown): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.map(shown).join(' ');
  if (typeof value === 'object' && 'amount' in value && 'currency' in value)
    return `${String(value.amount)} ${String(value.currency)}`;
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
