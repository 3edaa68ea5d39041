import type { KubeEvent } from '../describe/common.ts';
import type { Story } from '../describe/goal.ts';

/** One look at a goal: the whole story, or why it could not be read just now. */
export interface Snapshot {
  readonly story: Story;
  /** Set while the API server does not answer; the story is then the last one read. */
  readonly trouble?: string | undefined;
}

/** The phase a person thinks in: the job's once there is one, else the plan's where it waits for approval, else the goal's. */
export function phaseOf({ goal, plan, job }: Story): string {
  // A raise or a replan shows on the goal first; a job that is about to be replaced must not look finished.
  const current = goal.status?.jobRef === undefined || goal.status.jobRef.name === job?.metadata.name;
  if (job?.status?.phase !== undefined && current) return job.status.phase;
  if (plan?.status?.phase === 'AwaitingApproval' || plan?.status?.phase === 'Blocked') return plan.status.phase;
  return goal.status?.phase ?? 'Planning';
}

/** Phases after which nothing more happens unless a person acts. */
const ENDED = new Set(['Succeeded', 'Failed', 'Denied', 'Refused', 'NeedsClarification', 'Blocked', 'Terminating']);
const STOPPED = new Set([...ENDED, 'Frozen', 'Paused']);

/** What a wait for `until` comes to in this phase: reached, still possible, or not without a person. */
export function waitResult(phase: string, until: string): 'reached' | 'waiting' | 'missed' {
  const wanted = until.toLowerCase();
  const now = phase.toLowerCase();
  if (now === wanted || (wanted === 'running' && now === 'training') || (wanted === 'training' && now === 'running'))
    return 'reached';
  if (wanted === 'done' && STOPPED.has(phase)) return phase === 'Succeeded' ? 'reached' : 'missed';
  return STOPPED.has(phase) ? 'missed' : 'waiting';
}

/** Whether a plain `watch` should end by itself. Frozen and Paused may go on, so they do not end it. */
export function isEnded(phase: string): boolean {
  return ENDED.has(phase);
}

/** Identity of an event with its count: a repeated event is news again. */
export function eventKey(event: KubeEvent): string {
  return `${event.metadata.uid ?? event.metadata.name}:${event.count ?? 1}`;
}
