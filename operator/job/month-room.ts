import { formatUsd } from '../money.ts';
import type { JobObserved, MonthView, Situation } from './types.ts';

/** Why a job must not begin under the monthly ceiling of its namespace now; undefined where it may. */
export function noRoomInMonth(o: JobObserved): Situation | undefined {
  if (o.month === undefined || o.month.verdict === 'launch') return undefined;
  return { kind: 'Pending', reason: 'NamespaceCeiling', message: monthMessage(o.month) };
}

/** How many holders of reservations are named. */
const NAMED = 5;

/** Who holds what of the month, and what to do. Amounts are those of reservations, which stand still while nothing begins or ends. */
export function monthMessage({ ceiling, policies, holders }: MonthView): string {
  const names = holders.slice(0, NAMED).map(({ name, reserved }) => `${name} (${formatUsd(reserved)})`);
  const more = holders.length > NAMED ? ` and ${holders.length - NAMED} more` : '';
  const held = names.length === 0 ? '' : ` Reservations are held by ${names.join(', ')}${more}.`;
  return `TrainingPolicy ${policies.join(', ')} allows the namespace ${formatUsd(ceiling)} this month, and what is left is less than this job may still spend.${held} It begins by itself when one of them ends, when the month turns, after a lower budget for it, or with a higher ceilings.perNamespacePerMonth`;
}
