import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import type { SpendRecords } from '../budget/receipts.ts';
import { currentPlan, plansOf } from '../goal/current.ts';
import { findCondition } from '../runtime/conditions.ts';
import { liveAttempt } from './attempts.ts';

/**
 * Name of the plan that replaces a job: a newer one of the goal, only once it was approved. While the goal as it is
 * written now waits for its approval, of the jobs that were approved before only the newest goes on, whatever the others
 * have seen of it: else both would spend. One that gave way comes back only where its own plan stands for the goal
 * again, or where nothing came of what it gave way to.
 */
export function supersededBy(
  goal: TrainingGoal | undefined,
  plans: readonly TrainingPlan[],
  records: SpendRecords,
  job: TrainingJob,
): string | undefined {
  if (goal === undefined || job.status?.attempts?.at(-1)?.outcome === 'Succeeded') return undefined;
  const current = currentPlan(goal, plans);
  if (current?.metadata.name === job.spec.planRef.name) return undefined;
  if (current?.status?.approval?.decision === 'Approved') return current.metadata.name;
  const begun = plansOf(goal, plans).filter(({ status }) => status?.jobRef !== undefined);
  return gaveWay(job) ? ranInstead(begun, records, job) : newerRun(begun, records, job);
}

/** On record: it stops for a newer plan, or did. */
function gaveWay({ status }: TrainingJob): boolean {
  const live = liveAttempt(status?.attempts ?? []);
  if (live !== undefined) return live.stopReason === 'Superseded';
  return findCondition(status?.conditions, 'Ready')?.reason === 'Superseded';
}

/** A plan that got its job later, and has not given way itself: this job has only not seen it yet. */
function newerRun(begun: readonly TrainingPlan[], { jobs }: SpendRecords, job: TrainingJob): string | undefined {
  const own = begun.find(({ metadata }) => metadata.uid === job.spec.planRef.uid);
  const given = new Set(jobs.filter(gaveWay).map(({ spec }) => spec.planRef.uid));
  return begun.find((plan) => own !== undefined && isNewer(plan, own, begun) && !given.has(plan.metadata.uid))?.metadata
    .name;
}

/** By the goal that it was made for; an amendment is newer than what it amends. */
function isNewer(plan: TrainingPlan, own: TrainingPlan, begun: readonly TrainingPlan[]): boolean {
  const [mine, theirs] = [own.spec.contract.goalGeneration, plan.spec.contract.goalGeneration];
  if (mine !== theirs) return theirs > mine;
  const amended = plan.spec.amends?.plan.uid;
  if (amended === own.metadata.uid) return true;
  const between = begun.find(({ metadata }) => metadata.uid === amended);
  return between !== undefined && isNewer(between, own, begun);
}

/** The last plan of the goal that took this job's place, one that was deleted since among them. */
function ranInstead(begun: readonly TrainingPlan[], records: SpendRecords, job: TrainingJob): string | undefined {
  const { goalRef, planRef } = job.spec;
  const last = begun
    .filter(({ metadata }) => metadata.name !== planRef.name)
    .map(({ metadata, status }) => ({ name: metadata.name, at: Date.parse(status?.approval?.at ?? '') || 0 }))
    .reduce<{ name: string; at: number } | undefined>(
      (newest, one) => (newest && newest.at >= one.at ? newest : one),
      undefined,
    );
  if (last !== undefined) return last.name;
  const ended = Date.parse(job.status?.attempts?.at(-1)?.goneAt ?? '') || 0;
  const others = [
    ...records.jobs.map(({ spec }) => spec),
    ...records.receipts.map(({ spec }) => spec).filter(({ until }) => Date.parse(until) > ended),
  ].filter((spec) => spec.goalRef.uid === goalRef.uid && spec.planRef.uid !== planRef.uid);
  return others.at(-1)?.planRef.name;
}
