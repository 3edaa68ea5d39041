import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { currentPlan, plansOf } from '../goal/current.ts';
import { findCondition } from '../runtime/conditions.ts';
import { liveAttempt } from './attempts.ts';

/**
 * Name of the plan that replaces a job: a newer one of the goal, only once it was approved. A job that gave way stays
 * so while the goal as it is written now waits for its approval: until then the one that took its place goes on, and
 * both would spend. It comes back only where its own plan stands for the goal again.
 */
export function supersededBy(
  goal: TrainingGoal | undefined,
  plans: readonly TrainingPlan[],
  job: TrainingJob,
): string | undefined {
  if (goal === undefined || job.status?.attempts?.at(-1)?.outcome === 'Succeeded') return undefined;
  const current = currentPlan(goal, plans);
  if (current?.metadata.name === job.spec.planRef.name) return undefined;
  if (current?.status?.approval?.decision === 'Approved') return current.metadata.name;
  return gaveWay(job) ? ranInstead(goal, plans, job) : undefined;
}

/** On record: it stops for a newer plan, or did. */
function gaveWay({ status }: TrainingJob): boolean {
  const live = liveAttempt(status?.attempts ?? []);
  if (live !== undefined) return live.state === 'Stopping' && live.stopReason === 'Superseded';
  return findCondition(status?.conditions, 'Ready')?.reason === 'Superseded';
}

/** The last approved plan of the goal that got a job; without one, nothing took this job's place. */
function ranInstead(goal: TrainingGoal, plans: readonly TrainingPlan[], job: TrainingJob): string | undefined {
  return plansOf(goal, plans)
    .filter(({ metadata, status }) => metadata.name !== job.spec.planRef.name && status?.jobRef !== undefined)
    .map(({ metadata, status }) => ({ name: metadata.name, at: Date.parse(status?.approval?.at ?? '') || 0 }))
    .reduce<{ name: string; at: number } | undefined>(
      (last, one) => (last && last.at >= one.at ? last : one),
      undefined,
    )?.name;
}
