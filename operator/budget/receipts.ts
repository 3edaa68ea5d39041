import {
  API_VERSION,
  labels,
  type ReceiptMonth,
  type TrainingJob,
  type TrainingReceipt,
  type TrainingReceiptSpec,
} from '@kriptik/crds';
import { addMoney, formatMoney, type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { billedMonths, spendIn, spendNow, toldOrNow } from './job-ledger.ts';
import type { Spend } from './ledger.ts';
import { monthOf } from './month.ts';

/** A receipt that is not stored yet. */
export type NewReceipt = Omit<TrainingReceipt, 'metadata'> & {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Record<string, string> };
};

/**
 * What a job that goes has cost, for the record that outlives it. Never less than was told. An attempt that is let go
 * without being verified to be gone may cost all that is left of the limit, so that counts.
 */
export function receiptOf({ metadata, spec, status = {} }: TrainingJob, now: number, abandoned?: string): NewReceipt {
  const until = toldOrNow(status, now);
  const told = parseMoney(status.cost?.spent ?? '0');
  const most = abandoned === undefined ? zeroMoney : parseMoney(status.cost?.limit ?? spec.run.quote.limit);
  const spent = maxMoney(spendNow(status, now).total, told, most);
  return {
    apiVersion: API_VERSION,
    kind: 'TrainingReceipt',
    metadata: {
      name: metadata.uid,
      namespace: metadata.namespace,
      labels: { [labels.goal]: spec.goalRef.name },
    },
    spec: {
      job: { name: metadata.name, uid: metadata.uid },
      goalRef: { name: spec.goalRef.name, uid: spec.goalRef.uid },
      planRef: { name: spec.planRef.name, uid: spec.planRef.uid },
      work: spec.run.contract.inputHash,
      spent: formatMoney(spent),
      until: new Date(until).toISOString(),
      ...(abandoned !== undefined && { abandoned }),
      months: monthsOf(status, until, spent),
    },
  };
}

/** Months listed of a job. */
const LISTED = 64;

/** The bill by months. What no month can be told of is the newest one's: that is where ceilings look. */
function monthsOf(status: NonNullable<TrainingJob['status']>, until: number, spent: MicroUsd): ReceiptMonth[] {
  const newest = monthOf(until);
  const names = [...new Set([...billedMonths(status, until), newest])].sort().slice(-LISTED);
  const bills = names.map((month) => ({ month, ...spendIn(status, month, until) }));
  const rest = subtractMoney(spent, addMoney(zeroMoney, ...bills.map(({ total }) => total)));
  return bills
    .map((bill) => (bill.month === newest && rest > 0 ? { ...bill, compute: addMoney(bill.compute, rest) } : bill))
    .filter(({ compute, storage, platformFee }) => addMoney(compute, storage, platformFee) > 0)
    .map(({ month, compute, storage, platformFee }) => ({
      month,
      compute: formatMoney(compute),
      storage: formatMoney(storage),
      platformFee: formatMoney(platformFee),
    }));
}

/** Receipts of jobs that are gone: one that still exists counts by itself. */
export function receiptsOfGone(
  receipts: readonly TrainingReceipt[],
  jobs: readonly Pick<TrainingJob, 'metadata'>[],
): TrainingReceipt[] {
  const there = new Set(jobs.map(({ metadata }) => metadata.uid));
  return receipts.filter(({ spec }) => !there.has(spec.job.uid));
}

/** What a job that is gone cost in all, or within one month. */
export function receiptSpend({ months }: Pick<TrainingReceiptSpec, 'months'>, month?: string): Spend {
  const listed = months.filter((one) => month === undefined || one.month === month);
  const sum = (of: 'compute' | 'storage' | 'platformFee'): MicroUsd =>
    addMoney(zeroMoney, ...listed.map((one) => parseMoney(one[of])));
  const [compute, storage, platformFee] = [sum('compute'), sum('storage'), sum('platformFee')];
  return { compute, storage, platformFee, total: addMoney(compute, storage, platformFee) };
}

/** Runs that are paid from one budget: those of one goal that were planned from the same text, data and constraints. */
export interface Family {
  readonly goalUid: string;
  /** contract.inputHash. */
  readonly work: string;
}

export function familyOf({ spec }: Pick<TrainingJob, 'spec'>): Family {
  return { goalUid: spec.goalRef.uid, work: spec.run.contract.inputHash };
}

/** Where the spending of runs is on record. */
export interface SpendRecords {
  /** Of a goal or of a whole namespace, as those that follow. */
  readonly jobs: readonly TrainingJob[];
  readonly receipts: readonly TrainingReceipt[];
}

/** What runs of a family have spent whose jobs were deleted. */
export function spentByGone({ goalUid, work }: Family, { jobs, receipts }: SpendRecords): MicroUsd {
  const gone = receiptsOfGone(receipts, jobs).filter(({ spec }) => spec.goalRef.uid === goalUid && spec.work === work);
  return addMoney(zeroMoney, ...gone.map(({ spec }) => parseMoney(spec.spent)));
}

/** Jobs of a family that exist, but some (by uid). */
export function familyMembers(
  { goalUid, work }: Family,
  except: readonly (string | undefined)[],
  jobs: readonly TrainingJob[],
): TrainingJob[] {
  return jobs.filter(
    ({ metadata, spec }) =>
      spec.goalRef.uid === goalUid && spec.run.contract.inputHash === work && !except.includes(metadata.uid),
  );
}

/** What a job spent. At rest as it was told, which stands still: what storage adds is told by the day and the cent. */
function spentBy({ status = {} }: TrainingJob, now: number): MicroUsd {
  const told = status.cost && parseMoney(status.cost.spent);
  const live = status.attempts?.some(({ state }) => state !== 'Gone') === true;
  return told !== undefined && !live ? told : maxMoney(told ?? zeroMoney, spendNow(status, now).total);
}

/** What all runs of a family but some jobs (by uid) have spent by now, also those whose jobs were deleted. */
export function spentBeside(
  family: Family,
  except: readonly (string | undefined)[],
  records: SpendRecords,
  now: number,
): MicroUsd {
  const others = familyMembers(family, except, records.jobs).map((job) => spentBy(job, now));
  return addMoney(spentByGone(family, records), ...others);
}
