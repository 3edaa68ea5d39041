import type { Tile } from '@kriptik/crds';
import { formatUsd, parseMoney, subtractMoney } from '@kriptik/operator/money.ts';
import type { PricedPreview } from '@kriptik/operator/plan/preview.ts';
import { usd } from '../describe/common.ts';
import { hours } from '../render/duration.ts';
import { printable } from '../render/width.ts';

/** What the selection moved: tile, what, cost, time, from and to. */
export function changeRows({ changes }: Pick<PricedPreview, 'changes'>): string[][] {
  return changes.map(({ tile, what, before, after, costDelta, hoursDelta }) => {
    // Totals come as the API writes amounts and hours.
    const shown = costDelta !== undefined ? usd : hoursDelta !== undefined ? hours : printable;
    return [
      tile,
      printable(what),
      moneyDelta(costDelta),
      timeDelta(hoursDelta),
      `${shown(before) || '-'} to ${shown(after) || '-'}`,
    ];
  });
}

/** Stages of a plan that has several: name, method, machine, time, cost, what it does. */
export function stageRows({ resolved, quote }: Pick<PricedPreview, 'resolved' | 'quote'>): string[][] {
  return (resolved.stages ?? []).map((stage) => {
    const price = quote.stages?.find(({ name }) => name === stage.name);
    const { gpu, gpuCount, nodes, provider } = stage.compute;
    const many = [...(nodes > 1 ? [nodes] : []), ...(gpuCount > 1 ? [gpuCount] : [])];
    return [
      stage.name,
      stage.method?.name ?? '-',
      [provider, [...many, gpu].join('x')].join('/'),
      price === undefined ? '-' : hours(price.hours.expected),
      usd(price?.total.expected),
      printable(stage.title),
    ];
  });
}

/** "+$1.20", "-$0.30" or a dash. */
function moneyDelta(decimal: string | undefined): string {
  if (decimal === undefined) return '-';
  return decimal.startsWith('-') ? `-${usd(decimal.slice(1))}` : `+${usd(decimal)}`;
}

/** "+2h5m", "-40m" or a dash. */
function timeDelta(decimal: string | undefined): string {
  if (decimal === undefined) return '-';
  return decimal.startsWith('-') ? `-${hours(decimal.slice(1))}` : `+${hours(decimal)}`;
}

/** Choices that a person could make instead: what to set, total, difference, time and title. */
export function alternativeRows(tiles: readonly Tile[], total: string): string[][] {
  return tiles.flatMap((tile) =>
    tile.alternatives
      .filter(({ id, available }) => available && id !== tile.choice)
      .map(({ id, title, cost, hours: time }) => [
        `${tile.name.toLowerCase()}=${id}`,
        usd(cost),
        cost === undefined ? '-' : difference(total, cost),
        time === undefined ? '-' : hours(time),
        printable(title),
      ]),
  );
}

/** "+$1.20", "-$0.30" or "same". */
function difference(from: string, to: string): string {
  const amount = subtractMoney(parseMoney(to), parseMoney(from));
  return amount === 0 ? 'same' : `${amount > 0 ? '+' : ''}${formatUsd(amount)}`;
}

/** What a person should look at before they approve. */
export function warningsOf({ warnings, stalePrice }: Pick<PricedPreview, 'warnings' | 'stalePrice'>): string[] {
  return [...new Set([...warnings, ...(stalePrice === undefined ? [] : [stalePrice.message])])];
}
