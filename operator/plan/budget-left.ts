import type { Contract, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { familyMembers, type SpendRecords, spentBeside } from '../budget/receipts.ts';
import { formatMoney, type MicroUsd, parseMoney, subtractMoney, zeroMoney } from '../money.ts';

/**
 * What runs before took of the budget that a plan's contract names, deleted ones among them. Nothing of an amendment's:
 * its contract names what was left.
 */
export function takenBefore({ spec, status }: TrainingPlan, records: SpendRecords, now: number): MicroUsd {
  if (spec.amends !== undefined) return zeroMoney;
  const family = { goalUid: spec.goalRef.uid, work: spec.contract.inputHash };
  return spentBeside(family, [status?.jobRef?.uid], records, now);
}

/** A run before that is still ending, so that nobody knows yet what it leaves of the budget. */
export function stillEnding({ spec, status }: TrainingPlan, { jobs }: SpendRecords): TrainingJob | undefined {
  if (spec.amends !== undefined) return undefined;
  const family = { goalUid: spec.goalRef.uid, work: spec.contract.inputHash };
  return familyMembers(family, [status?.jobRef?.uid], jobs).find(
    (job) =>
      job.metadata.deletionTimestamp !== undefined ||
      job.status?.attempts?.some(({ state }) => state !== 'Gone') === true,
  );
}

/** The contract with the budget that is left; undefined where nothing is. */
export function contractLeft(contract: Contract, taken: MicroUsd): Contract | undefined {
  if (taken === zeroMoney) return contract;
  const left = subtractMoney(parseMoney(contract.budget.limit), taken);
  return left <= zeroMoney ? undefined : { ...contract, budget: { ...contract.budget, limit: formatMoney(left) } };
}
