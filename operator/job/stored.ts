import type { Attempt, Checkpoint } from '@kriptik/crds';
import { meterOf } from '../budget/job-ledger.ts';
import { billedRate } from '../budget/ledger.ts';
import { holdFor, type Meter, readMeter, storagePerHour } from '../budget/storage.ts';
import { type MicroUsd, zeroMoney } from '../money.ts';
import type { JobObserved, StoreTrouble } from './types.ts';

/** Bytes of a parameter in a checkpoint: weights, and an optimizer's two moments with its copy of them. */
const FULL_BYTES = 16;

/** Share of the parameters that an adapter trains, more than any recipe asks for. */
const ADAPTER_SHARE = 0.05;

/** Checkpoints assumed at once: those retention keeps, and the one being written. */
const CHECKPOINTS = 4;

/** Reason of a store in which nothing is left of what was recorded. */
const STORE_EMPTY = 'StoreEmpty';

/**
 * Work is on record, and where it lay there is nothing: a volume that is not mounted, another server under the same name.
 * To start over would pay for all of it again, and hide what was saved.
 */
export function storeEmpty({ step, uri }: Pick<Checkpoint, 'step' | 'uri'>): StoreTrouble {
  return {
    reason: STORE_EMPTY,
    message: `the checkpoint of step ${step} was verified in ${uri}, and now there is nothing at all`,
    remedy:
      'Bring the folder back: mount its volume, or correct the endpoint of the store. Or end the job and change the goal to start over.',
  };
}

/** The meter after this look; undefined while nothing was ever stored at a price. */
export function meteredNow(
  o: JobObserved,
  attempts: readonly Attempt[],
  left: (accrued: MicroUsd) => MicroUsd,
): Meter | undefined {
  const before = meterOf(o.job.status?.storage);
  const running = attempts.some((attempt) => attempt.state !== 'Gone');
  const reading = { bytes: isOver(o, attempts) ? 0 : storedBytes(o), price: o.storagePrice ?? zeroMoney };
  return readMeter(before, running ? reading : { ...reading, left }, o.now);
}

/** Once a job is over its results are its owner's: what keeping them costs from then on is not the job's any more. */
function isOver(o: JobObserved, attempts: readonly Attempt[]): boolean {
  const last = attempts.at(-1);
  if (last !== undefined && last.state !== 'Gone') return false;
  return last?.outcome === 'Succeeded' || o.supersededBy !== undefined || o.job.spec.terminate === true;
}

/** What the store keeps of this job, in bytes. What could not be read now is as it was. */
function storedBytes({ job, store }: JobObserved): number {
  if (store.unavailable?.reason === STORE_EMPTY) return 0;
  if (store.unavailable !== undefined || store.pending !== undefined) return job.status?.storage?.bytes ?? 0;
  return [...store.checkpoints, ...store.artifacts].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What it will keep when the next checkpoint is written; before the first one, a cautious guess from the model's size. */
function expectedBytes(o: JobObserved): number {
  const stored = storedBytes(o);
  const newest = o.store.checkpoints.at(-1)?.sizeBytes;
  if (newest !== undefined) return stored + newest;
  const { model, method } = o.job.spec.run.resolved;
  const trained = method.name === 'full' ? 1 : ADAPTER_SHARE;
  return Math.ceil(model.parameters * (FULL_BYTES * trained * CHECKPOINTS + 2));
}

/** Storage an hour while it trains, without fee. */
export function storageRate(o: JobObserved): MicroUsd {
  return o.storagePrice === undefined ? zeroMoney : storagePerHour(expectedBytes(o), o.storagePrice);
}

/** Storage an hour at rest, fee included. */
export function storedRate({ bytes, price }: Meter): MicroUsd {
  return billedRate(storagePerHour(bytes, price));
}

/** Part of the limit that keeps the work after a freeze. */
export function holdOf(o: JobObserved, limit: MicroUsd): MicroUsd {
  return o.storagePrice === undefined ? zeroMoney : holdFor(expectedBytes(o), o.storagePrice, limit);
}
