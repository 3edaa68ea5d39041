import type { Quote, Tile } from '@kriptik/crds';
import { formatUsd, parseMoney } from '@kriptik/operator/money.ts';
import { hours } from './duration.ts';
import { priceRows } from './price.ts';
import { bullets, facts } from './section.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { padEnd, printable, wrap } from './width.ts';

export interface TileOptions {
  readonly style: Style;
  /** Cells of the terminal. */
  readonly width: number;
}

const usd = (decimal: string): string => formatUsd(parseMoney(decimal));

/** The five tiles, one block each, with reasons, warnings and what could be chosen instead. */
export function renderTiles(tiles: readonly Tile[], options: TileOptions): string[] {
  return tiles.flatMap((tile, index) => [...(index === 0 ? [] : ['']), ...renderTile(tile, options)]);
}

function renderTile(tile: Tile, options: TileOptions): string[] {
  const { style, width } = options;
  const indent = '         ';
  const room = Math.max(20, width - indent.length);
  const lines = [`${padEnd(style.cyan(style.bold(tile.name)), indent.length)}${style.bold(printable(tile.title))}`];
  lines.push(...wrap(printable(tile.summary), room).map((line) => indent + line));
  lines.push(...bullets(tile.reasons ?? [], width, indent));
  lines.push(...(tile.warnings ?? []).flatMap((warning) => warningLines(warning, room, indent, style)));
  lines.push(
    ...facts(
      (tile.facts ?? []).map(({ label, value }) => [printable(label), printable(value)] as const),
      { style, width, indent },
    ),
    ...alternativeLines(tile, indent, style),
  );
  return lines;
}

function warningLines(warning: string, room: number, indent: string, style: Style): string[] {
  const mark = style.unicode ? '▲ ' : '! ';
  return wrap(printable(warning), room - 2).map(
    (line, index) => indent + style.yellow((index === 0 ? mark : '  ') + line),
  );
}

function alternativeLines(tile: Tile, indent: string, style: Style): string[] {
  const others = (tile.alternatives ?? []).filter((alternative) => alternative.id !== tile.choice);
  if (others.length === 0) return [];
  const rows = others.map((other) => [
    `${tile.name.toLowerCase()}=${other.id}`,
    printable(other.title),
    other.cost === undefined ? '-' : usd(other.cost),
    other.hours === undefined ? '-' : hours(other.hours),
    other.available ? 'yes' : `no: ${printable(other.reason ?? 'not available')}`,
  ]);
  const columns = [
    { title: 'INSTEAD' },
    { title: 'WHAT' },
    { title: 'TOTAL', align: 'right' },
    { title: 'TIME', align: 'right' },
    { title: 'AVAILABLE' },
  ] as const;
  const [header = '', ...body] = renderTable(columns, rows, { indent }).trimEnd().split('\n');
  return [style.dim(header), ...body];
}

/** The price: what one hour costs, how long it takes, and the total against the limit. */
export function renderQuote(quote: Quote, options: TileOptions): string[] {
  const { style } = options;
  const table = renderTable(
    [
      { title: '' },
      { title: 'LOW', align: 'right' },
      { title: 'EXPECTED', align: 'right' },
      { title: 'HIGH', align: 'right' },
    ].map((column) => column as { title: string; align?: 'right' }),
    priceRows(quote),
    { indent: '  ' },
  )
    .trimEnd()
    .split('\n')
    .map((line, index) => (index === 0 ? style.dim(line.replace('<none>', '      ')) : line));
  return [
    ...facts(
      [
        ['rate', `${usd(quote.unitPricePerHour)} an hour (${printable(quote.priceSource)}, ${quote.priceAsOf})`],
        [
          'time',
          `${hours(quote.hours.expected)} expected, ${hours(quote.hours.low)} to ${hours(quote.hours.high)}, ${quote.steps} steps`,
        ],
      ],
      options,
    ),
    '',
    ...table,
    '',
    ...facts(
      [
        ['limit', `${usd(quote.limit)}, of which ${usd(quote.reserve)} is kept to save the work before it`],
        quote.fits
          ? ['verdict', 'fits the limit', style.green]
          : ['verdict', quote.message === undefined ? 'does not fit the limit' : printable(quote.message), style.red],
      ],
      options,
    ),
  ];
}

/** One line: what it will cost, how long, and against which limit. */
export function quoteLine(quote: Quote): string {
  return `${usd(quote.total.expected)} expected (${usd(quote.total.low)} to ${usd(quote.total.high)}) in ${hours(quote.hours.expected)}, limit ${usd(quote.limit)}`;
}
