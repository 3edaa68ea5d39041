import type { TrainingJob } from '@kriptik/crds';
import { launchVerdict } from '../budget/ceiling.ts';
import type { SpendRecords } from '../budget/receipts.ts';
import type { MicroUsd } from '../money.ts';
import { policyFor } from '../plan/propose.ts';
import { claimsOf, wantedClaim } from './claims.ts';
import type { JobDependencies } from './dependencies.ts';
import type { MonthView } from './types.ts';

type Sources = Pick<JobDependencies, 'policies' | 'namespaces'>;

/** What the monthly ceiling of a job's namespace leaves to it at `limit`; undefined without a ceiling. */
export function monthView(
  deps: Sources,
  job: TrainingJob,
  limit: MicroUsd,
  records: SpendRecords,
  now: number,
): MonthView | undefined {
  const found = monthlyCeiling(deps, job);
  if (found === undefined) return undefined;
  const others = claimsOf(records, now).filter(({ uid }) => uid !== job.metadata.uid);
  const verdict = launchVerdict(found.ceiling, job.metadata.uid, [...others, wantedClaim(job, limit, now)]);
  return { ...verdict, ...found };
}

/**
 * The same, from what the API server holds at this moment: asked for after the own claim was written and before anything
 * is created or prolonged.
 */
export async function freshMonthView(
  deps: Sources & Pick<JobDependencies, 'client' | 'receiptClient'>,
  job: TrainingJob,
  limit: MicroUsd,
  now: number,
): Promise<MonthView | undefined> {
  if (monthlyCeiling(deps, job) === undefined) return undefined;
  const { namespace } = job.metadata;
  const jobs = await deps.client.list({ namespace });
  // After the jobs: one that is not among them any more has left its receipt by now.
  const receipts = await deps.receiptClient.list({ namespace });
  return monthView(deps, job, limit, { jobs: jobs.items, receipts: receipts.items }, now);
}

function monthlyCeiling(
  { policies, namespaces }: Sources,
  job: TrainingJob,
): Pick<MonthView, 'ceiling' | 'policies'> | undefined {
  const labels = namespaces.get({ name: job.metadata.namespace })?.metadata.labels ?? {};
  const { ceilings, names } = policyFor(policies.list(), labels);
  const ceiling = ceilings.perNamespacePerMonth;
  return ceiling === undefined ? undefined : { ceiling, policies: names };
}
