import type { Attempt, Condition } from '@kriptik/crds';
import { formatUsd } from '../money.ts';
import { findCondition, setCondition } from '../runtime/conditions.ts';
import type { JobMoney } from './cost.ts';
import { monthMessage } from './month-room.ts';
import { event } from './step.ts';
import type { JobEvent, JobObserved } from './types.ts';

/** People are told this long before the money for the saved work ends, in ms. */
const SOON_MS = 7 * 86_400_000;

type Told = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Conditions about money that only some jobs have; each appears once there is something to say. */
export function moneyConditions(
  o: JobObserved,
  conditions: readonly Condition[],
  attempts: readonly Attempt[],
  money: JobMoney,
): Condition[] {
  const month = namespaceCeiling(o, attempts, conditions);
  const told = [forecastFits(o, money, attempts), storagePaid(o, attempts, money), month];
  return told
    .filter((one) => one !== undefined)
    .reduce<Condition[]>(
      (all, one) => setCondition(all, { ...one, observedGeneration: o.job.metadata.generation ?? 0 }, new Date(o.now)),
      [...conditions],
    );
}

/** Events for what these conditions say anew. */
export function moneyEvents(before: readonly Condition[], after: readonly Condition[]): JobEvent[] {
  return after.flatMap((now) => {
    const was = findCondition(before, now.type);
    if (was?.status === now.status && was.reason === now.reason) return [];
    if (now.type === 'StoragePaid' && (now.status === 'False' || now.reason === 'EndsSoon'))
      return [event('Warning', now.status === 'False' ? 'StorageUnpaid' : 'StorageEndsSoon', now.message)];
    if (now.type === 'NamespaceCeiling' && now.status === 'True')
      return [event('Warning', 'NamespaceCeiling', now.message)];
    if (now.type === 'ForecastFits' && now.status === 'False') return [event('Warning', 'BudgetTooSmall', now.message)];
    if (now.type === 'ForecastFits' && was?.status === 'False') return [event('Normal', 'ForecastFits', now.message)];
    return [];
  });
}

/**
 * Only a running trainer moves it, and its success; the figures stand in the cost, the message must not change with each
 * of them.
 */
function forecastFits(o: JobObserved, { forecast, limit }: JobMoney, attempts: readonly Attempt[]): Told | undefined {
  const before = findCondition(o.job.status?.conditions, 'ForecastFits');
  // The last attempt may have been too short to be asked after what an earlier one foretold.
  if (attempts.at(-1)?.outcome === 'Succeeded' && before?.status === 'False') {
    return { type: 'ForecastFits', status: 'True', reason: 'Fits', message: `It finished within ${formatUsd(limit)}` };
  }
  if (forecast === undefined || attempts.at(-1)?.state === 'Gone') return undefined;
  const status = forecast.fits ? 'True' : 'False';
  if (before?.status === status && before.message.includes(` ${formatUsd(limit)} `)) return before;
  const { low, expected, high } = forecast.cost;
  const band = `${formatUsd(expected)} (${formatUsd(low)} to ${formatUsd(high)})`;
  return forecast.fits
    ? {
        type: 'ForecastFits',
        status,
        reason: 'Fits',
        message: `Finishing fits into ${formatUsd(limit)} of budget: about ${band}`,
      }
    : {
        type: 'ForecastFits',
        status,
        reason: 'BudgetTooSmall',
        message: `Finishing would cost about ${band} of ${formatUsd(limit)} allowed. You can ${forecast.options.join('; or ')}`,
      };
}

/** How long the money keeps the saved work. It is never deleted for want of money, and never billed beyond the limit. */
function storagePaid(o: JobObserved, attempts: readonly Attempt[], { meter, limit }: JobMoney): Told | undefined {
  if (meter === undefined) return undefined;
  const type = 'StoragePaid';
  const rests = attempts.every(({ state }) => state === 'Gone');
  if (!rests) return { type, status: 'True', reason: 'Running', message: 'Storage is paid from the running budget' };
  if (meter.bytes === 0)
    return { type, status: 'True', reason: 'NotMetered', message: 'Nothing is kept at the cost of this job' };
  if (meter.until === undefined)
    return { type, status: 'True', reason: 'Paid', message: 'The saved work costs next to nothing to keep' };
  const until = new Date(meter.until).toISOString();
  const name = o.job.spec.goalRef.name;
  const ways = `Raise the budget (kriptik raise ${name} --by AMOUNT), download it (kriptik download ${name}), or end the job (kriptik terminate ${name})`;
  if (o.now >= meter.until) {
    const message = `Since ${until} the limit of ${formatUsd(limit)} leaves nothing to keep the saved work with. It is kept all the same, and nothing more is billed to this job. ${ways}`;
    return { type, status: 'False', reason: 'HoldUsedUp', message };
  }
  const message = `Keeping the saved work is paid until ${until}. ${ways}`;
  return { type, status: 'True', reason: o.now >= meter.until - SOON_MS ? 'EndsSoon' : 'Paid', message };
}

/** A job that may not begin, or one that runs and whose raise waits. */
function namespaceCeiling(
  o: JobObserved,
  attempts: readonly Attempt[],
  conditions: readonly Condition[],
): Told | undefined {
  const type = 'NamespaceCeiling';
  const ready = findCondition(conditions, 'Ready');
  if (ready?.reason === type) return { type, status: 'True', reason: 'NoRoom', message: ready.message };
  const live = attempts.at(-1)?.state !== 'Gone' && attempts.length > 0;
  if (live && o.month !== undefined && o.month.verdict !== 'launch') {
    const message = `The raise waits, the deadlines stay as they were. ${monthMessage(o.month)}`;
    return { type, status: 'True', reason: 'RaiseWaits', message };
  }
  if (findCondition(o.job.status?.conditions, type) === undefined) return undefined;
  return { type, status: 'False', reason: 'RoomEnough', message: 'The month of the namespace has room for this job' };
}

/** Until something about the money of a job at rest has to be told, in ms; undefined when nothing will come up. */
export function restWakeMs(o: JobObserved, { meter }: JobMoney): number | undefined {
  if (meter === undefined || meter.bytes === 0) return undefined;
  const moments = [meter.until, meter.until === undefined ? undefined : meter.until - SOON_MS, o.now + 86_400_000];
  const next = Math.min(...moments.filter((at) => at !== undefined).filter((at) => at > o.now));
  return Math.min(86_400_000, next - o.now);
}
