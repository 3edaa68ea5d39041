import type { TrainingJob } from '@kriptik/crds';
import type { Claim } from '../budget/ceiling.ts';
import { meterOf, spendIn, spendNow, toldOrNow } from '../budget/job-ledger.ts';
import { spendOf } from '../budget/ledger.ts';
import { monthOf } from '../budget/month.ts';
import { receiptSpend, receiptsOfGone, type SpendRecords } from '../budget/receipts.ts';
import { meterAt } from '../budget/storage.ts';
import { type MicroUsd, maxMoney, parseMoney, subtractMoney, zeroMoney } from '../money.ts';
import { liveAttempt } from './attempts.ts';

/** What a job has taken from the month that `now` (epoch ms) lies in, and holds of what is left. */
export function claimOf(job: TrainingJob, now: number): Claim {
  const { metadata, status = {} } = job;
  const live = liveAttempt(status.attempts ?? []);
  const claim = {
    uid: metadata.uid,
    name: metadata.name,
    createdAt: metadata.creationTimestamp ?? '',
    spent: spendIn(status, monthOf(now), toldOrNow(status, now)).total,
  };
  if (live === undefined) return { ...claim, reserved: storedRest(job, now), state: 'idle' };
  const limit = parseMoney(status.cost?.limit ?? job.spec.run.quote.limit);
  const unseen = live.state === 'Creating' && live.instance === undefined;
  return { ...claim, reserved: restOf(job, limit, now), state: unseen ? 'announced' : 'live' };
}

/** The claims of all jobs, also of those that were deleted: they hold nothing any more, and stay spent. */
export function claimsOf({ jobs, receipts }: SpendRecords, now: number): Claim[] {
  const gone = receiptsOfGone(receipts, jobs).map(
    ({ spec }): Claim => ({
      uid: spec.job.uid,
      name: spec.job.name,
      createdAt: '',
      spent: receiptSpend(spec, monthOf(now)).total,
      reserved: zeroMoney,
      state: 'idle',
    }),
  );
  return [...jobs.map((job) => claimOf(job, now)), ...gone];
}

/** The claim of a job that is about to begin, or to go on, with this limit. */
export function wantedClaim(job: TrainingJob, limit: MicroUsd, now: number): Claim {
  const claim = claimOf(job, now);
  const state = claim.state === 'idle' ? 'announced' : claim.state;
  return { ...claim, reserved: restOf(job, limit, now), state };
}

function restOf({ status }: TrainingJob, limit: MicroUsd, now: number): MicroUsd {
  return maxMoney(zeroMoney, subtractMoney(limit, spendNow(status ?? {}, now).total));
}

/** What keeping a resting job's work may still cost, fee included. */
function storedRest({ status }: TrainingJob, now: number): MicroUsd {
  const meter = meterOf(status?.storage);
  if (meter?.until === undefined || meter.until <= now) return zeroMoney;
  return spendOf(subtractMoney(meterAt(meter, meter.until), meterAt(meter, now)), zeroMoney).total;
}
