import type { Quote, Tile } from '@kriptik/crds';
import type { PricedPreview } from '@kriptik/operator/plan/preview.ts';
import type { Reason } from '@kriptik/operator/planner/types.ts';
import { dimHeader, type View } from '../describe/common.ts';
import { shortDigest } from '../describe/plan.ts';
import { facts, section } from '../render/section.ts';
import { renderTable } from '../render/table.ts';
import { renderQuote } from '../render/tiles.ts';
import { printable, wrap } from '../render/width.ts';
import { alternativeRows, changeRows, stageRows, warningsOf } from './rows.ts';

interface ScreenOptions {
  readonly name: string;
  /** What the prices are those of. */
  readonly source: string;
  readonly why: boolean;
}

/** A plan on one screen: its tiles, its price, what else could be chosen, and with `why` the reasons. */
export function renderPlan(plan: PricedPreview, options: ScreenOptions, view: View): string[] {
  const { style } = view;
  const { contract, digest, tiles, quote } = plan;
  return [
    `${style.bold(`Plan of ${options.name}`)}  ${style.cyan('not applied')}`,
    ...facts(
      [
        ['for', printable(contract.summary)],
        ['digest', shortDigest(digest)],
        ['prices', `${options.source}, as of ${quote.priceAsOf}`],
      ],
      view,
    ),
    '',
    ...tileTable(tiles, view),
    ...section('Stages', stages(plan, view), style),
    ...section('Price', renderQuote(quote, view), style),
    ...section('Changed', changes(plan, view), style),
    ...section('Look at', warnings(plan, view), style),
    ...section('Instead', alternatives(tiles, quote, view), style),
    ...section('Assumed', assumptions(contract.assumptions ?? [], view), style),
    ...(options.why ? whyLines(plan, view) : []),
  ];
}

function tileTable(tiles: readonly Tile[], { style, width }: View): string[] {
  const rows = tiles.flatMap((tile) => [
    [tile.name, printable(tile.title)],
    ...(tile.summary === '' ? [] : [[' ', printable(tile.summary)]]),
  ]);
  const columns = [{ title: 'TILE' }, { title: 'CHOICE' }];
  return dimHeader(renderTable(columns, rows, { width }), style);
}

function stages(plan: PricedPreview, { style, width }: View): string[] {
  const rows = stageRows(plan);
  if (rows.length === 0) return [];
  const columns = [
    { title: 'STAGE' },
    { title: 'METHOD' },
    { title: 'ON' },
    { title: 'TIME', align: 'right' },
    { title: 'COST', align: 'right' },
    { title: 'WHAT' },
  ] as const;
  return dimHeader(renderTable(columns, rows, { indent: '  ', width }), style);
}

function changes(plan: PricedPreview, { style, width }: View): string[] {
  const rows = changeRows(plan);
  if (rows.length === 0) return [];
  const columns = [
    { title: 'TILE' },
    { title: 'WHAT' },
    { title: 'COST', align: 'right' },
    { title: 'TIME', align: 'right' },
    { title: 'FROM, TO' },
  ] as const;
  return dimHeader(renderTable(columns, rows, { indent: '  ', width }), style);
}

function warnings(plan: PricedPreview, { style, width }: View): string[] {
  const mark = style.unicode ? '▲ ' : '! ';
  return warningsOf(plan).flatMap((text) =>
    wrap(printable(text), width - 4).map((line, index) => style.yellow(`  ${index === 0 ? mark : '  '}${line}`)),
  );
}

/** What could be chosen for a tile, with the price of the whole plan then. */
function alternatives(tiles: readonly Tile[], quote: Quote, { style, width }: View): string[] {
  const rows = alternativeRows(tiles, quote.total.expected);
  if (rows.length === 0) return [];
  const columns = [
    { title: '--set' },
    { title: 'TOTAL', align: 'right' },
    { title: 'MORE', align: 'right' },
    { title: 'TIME', align: 'right' },
    { title: 'WHAT' },
  ] as const;
  return dimHeader(renderTable(columns, rows, { indent: '  ', width }), style);
}

function assumptions(texts: readonly string[], { width }: View): string[] {
  return texts.flatMap((text) =>
    wrap(printable(text), width - 4).map((line, index) => `  ${index === 0 ? '- ' : '  '}${line}`),
  );
}

function whyLines({ why, tiles }: PricedPreview, view: View): string[] {
  return tiles.flatMap((tile) => {
    const reasons = why.filter((reason) => reason.tile === tile.name);
    const lines = reasons.flatMap((reason, index) => reasonLines(reason, reasons[index - 1], view));
    return section(`Why this ${tile.name === 'GPU' ? 'GPU' : tile.name.toLowerCase()}`, lines, view.style);
  });
}

/** A value with its reason; further reasons for the same value stand below the first. */
function reasonLines({ what, value, because, source }: Reason, before: Reason | undefined, view: View): string[] {
  const { style, width } = view;
  const again = before?.what === what && before.value === value;
  const below = (text: string): string[] => wrap(printable(text), width - 4).map((line) => `    ${line}`);
  return [
    ...(again ? [] : wrap(`${printable(what)}: ${printable(value)}`, width - 2).map((line) => style.bold(`  ${line}`))),
    ...below(because),
    ...(source === undefined ? [] : below(source).map(style.dim)),
  ];
}
