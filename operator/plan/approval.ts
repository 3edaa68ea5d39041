import type { TrainingJob, TrainingPlan } from '@kriptik/crds';
import { planDigest } from '../digest.ts';

/** Whether money may be spent on this job now. */
export type ApprovalView =
  | { readonly approved: true }
  | { readonly approved: false; readonly reason: string; readonly message: string };

/**
 * Whether a job may spend: its plan exists, is approved, the approval names exactly the digest the job was
 * made for, the job's frozen copy still hashes to it, and it is the one job on record for the plan.
 * Admission says the same of the digest; this is the gate.
 */
export function approvalOf(job: TrainingJob, plans: readonly TrainingPlan[]): ApprovalView {
  const { planRef, run } = job.spec;
  const plan = plans.find((one) => one.metadata.name === planRef.name && one.metadata.uid === planRef.uid);
  if (plan === undefined) {
    return {
      approved: false,
      reason: 'PlanMissing',
      message: `Plan ${planRef.name} does not exist any more; nothing may be spent without it`,
    };
  }
  const approval = plan.status?.approval;
  if (approval?.decision !== 'Approved') {
    return { approved: false, reason: 'NotApproved', message: `Plan ${planRef.name} is not approved` };
  }
  if (approval.digest !== planRef.digest || planDigest(run) !== planRef.digest) {
    return {
      approved: false,
      reason: 'DigestMismatch',
      message: `The approval is for ${approval.digest}, this job is for ${planRef.digest}; approve the plan again`,
    };
  }
  if (plan.status?.jobRef?.uid !== job.metadata.uid) {
    return {
      approved: false,
      reason: 'NotTheJobOfThePlan',
      message: `Plan ${planRef.name} names ${plan.status?.jobRef === undefined ? 'no job yet' : 'another job'}; one approval pays for one job`,
    };
  }
  return { approved: true };
}
