import type { PricedPreview } from '@kriptik/operator/plan/preview.ts';
import { usd } from '../describe/common.ts';
import type { Fault } from '../errors.ts';
import { hours } from '../render/duration.ts';
import { priceRows } from '../render/price.ts';
import { printable } from '../render/width.ts';
import { alternativeRows, changeRows, stageRows, warningsOf } from './rows.ts';

interface MarkdownOptions {
  readonly name: string;
  readonly source: string;
  readonly why: boolean;
}

/** A plan as a comment on a pull request: the verdict first, then tiles, price, warnings, and the rest folded away. */
export function markdownPlan(plan: PricedPreview, { name, source, why }: MarkdownOptions): string {
  const { contract, quote, tiles, digest } = plan;
  const { total } = quote;
  return [
    `### Training plan: ${plain(name)}`,
    plain(contract.summary),
    `**${usd(total.expected)}** expected (${usd(total.low)} to ${usd(total.high)}) in ${hours(quote.hours.expected)}: ${verdict(plan)}`,
    table(
      ['Tile', 'Choice', 'What it means'],
      tiles.map(({ name: tile, title, summary }) => [tile, title, summary]),
    ),
    table(['Price', 'Low', 'Expected', 'High'], priceRows(quote), 'right'),
    `${usd(quote.unitPricePerHour)} an hour: ${plain(source)}, as of ${quote.priceAsOf}; ${plain(quote.priceSource)}.`,
    ...titled('Stages', table(['Stage', 'Method', 'On', 'Time', 'Cost', 'What'], stageRows(plan))),
    ...titled('Changed', table(['Tile', 'What', 'Cost', 'Time', 'From, to'], changeRows(plan))),
    ...titled('Look at', list(warningsOf(plan))),
    ...folded('Instead', table(['`--set`', 'Total', 'More', 'Time', 'What'], alternativeRows(tiles, total.expected))),
    ...folded('Assumed', list(contract.assumptions ?? [])),
    ...(why
      ? folded(
          'Why',
          table(
            ['Tile', 'What', 'Value', 'Because'],
            plan.why.map((reason) => [reason.tile, reason.what, reason.value, reason.because]),
          ),
        )
      : []),
    `Digest: \`${digest}\``,
  ]
    .filter((block) => block !== '')
    .join('\n\n')
    .concat('\n');
}

/** Why there is no plan, as a comment on a pull request: what is wrong, where, and what to do. */
export function markdownFault(name: string, { what, where, details = [], remedy }: Fault): string {
  return [
    `### Training plan: ${plain(name)}`,
    `**No plan:** ${plain(what)}`,
    ...(where === undefined ? [] : [`Where: ${plain(where)}`]),
    list(details),
    ...titled('What to do', list(remedy)),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
    .concat('\n');
}

function verdict({ quote }: PricedPreview): string {
  if (quote.fits) return `fits the limit of ${usd(quote.limit)}.`;
  return plain(quote.message ?? `does not fit the limit of ${usd(quote.limit)}.`);
}

function titled(title: string, body: string): string[] {
  return body === '' ? [] : [`**${title}**`, body];
}

function folded(title: string, body: string): string[] {
  return body === '' ? [] : [`<details><summary>${title}</summary>\n\n${body}\n\n</details>`];
}

function list(texts: readonly string[]): string {
  return texts.map((text) => `- ${plain(text)}`).join('\n');
}

/** A table, or nothing where it has no rows. The first column stands left; the others as said. */
function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string {
  if (rows.length === 0) return '';
  const rule = titles.map((_, index) => (align === 'right' && index > 0 ? '---:' : '---'));
  const lines = [titles, rule, ...rows.map((row) => row.map(plain))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Text of others on one line: no markup, no table cells, no mentions of people. */
function plain(text: string): string {
  return printable(text)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|#~]/g, '\\$&')
    .replaceAll('@', '@\u200b');
}
