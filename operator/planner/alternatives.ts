import type { Tile } from '@kriptik/crds';
import { formatMoney } from '../money.ts';
import type { Candidate } from './candidate.ts';
import { hoursText } from './resolve.ts';

type Alternative = Tile['alternatives'][number];

/** One alternative of a tile with its price, or with the reason why it cannot be chosen. */
export function alternative(candidate: Candidate, id: string, title: string, summary: string): Alternative {
  const { problem, estimate } = candidate;
  if (problem !== undefined) return { id, title, summary, available: false, reason: problem.text };
  return {
    id,
    title,
    summary,
    available: true,
    ...(candidate.fits ? {} : { reason: 'Does not fit the limit: training would freeze before the end.' }),
    cost: formatMoney(estimate.cost.total.expected),
    hours: hoursText(estimate.time.expected),
  };
}

/** Warnings only where there are some. */
export function warningsOf(warnings: readonly string[]): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings: [...warnings] };
}
