import type { Quote } from '@kriptik/crds';
import { formatUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '@kriptik/operator/money.ts';

/** The rows of a price: compute, storage, fee and their sum, each as label, low, expected and high. */
export function priceRows(quote: Quote): string[][] {
  const { compute, total } = quote;
  const usd = (decimal: string): string => formatUsd(parseMoney(decimal));
  const storage = parseMoney(quote.storage);
  // A quote tells the expected fee; that of each bound is what its total has beyond compute and storage.
  const fee = (bound: 'low' | 'high'): string =>
    formatUsd(
      maxMoney(zeroMoney, subtractMoney(subtractMoney(parseMoney(total[bound]), parseMoney(compute[bound])), storage)),
    );
  const stored = formatUsd(storage);
  return [
    ['compute', usd(compute.low), usd(compute.expected), usd(compute.high)],
    ['storage', stored, stored, stored],
    [`platform fee ${quote.platformFeePercent} %`, fee('low'), usd(quote.platformFee), fee('high')],
    ['total', usd(total.low), usd(total.expected), usd(total.high)],
  ];
}
