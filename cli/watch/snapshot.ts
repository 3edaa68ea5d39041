import type { KubeEvent } from '../describe/common.ts';
import type { Story } from '../describe/goal.ts';

/** One look at a goal: the whole story, or why it could not be read just now. */
export interface Snapshot {
  readonly story: Story;
  /** Set while the API server does not answer; the story is then the last one read. */
  readonly trouble?: string | undefined;
}

/** The phase a person thinks in: the job's once there is one, else the plan's where it waits for approval, else the goal's. */
export function phaseOf(story: Story): string {
  return standing(story).phase;
}

/** What the object that gives the phase says about it. */
export function messageOf(story: Story): string | undefined {
  const { phase, of } = standing(story);
  const conditions = of.status?.conditions ?? [];
  const own = conditions.find(({ type, status }) => type === phase && status === 'True');
  const failing = phase === 'Blocked' ? conditions.find(({ status }) => status === 'False') : undefined;
  const message = (own ?? failing ?? conditions.find(({ type }) => type === 'Ready'))?.message;
  return message === '' ? undefined : message;
}

function standing({ goal, plan, job }: Story) {
  // A raise or a replan shows on the goal first; a job that is about to be replaced must not look finished.
  const current = goal.status?.jobRef === undefined || goal.status.jobRef.name === job?.metadata.name;
  if (job?.status?.phase !== undefined && current) return { phase: job.status.phase, of: job };
  if (plan?.status?.phase === 'AwaitingApproval' || plan?.status?.phase === 'Blocked')
    return { phase: plan.status.phase, of: plan };
  return { phase: goal.status?.phase ?? 'Planning', of: goal };
}

/** Whether the operator has not yet looked at the newest version of the goal or its job, so that the phase is an old one. */
export function isBehind({ goal, job }: Story): boolean {
  const behind = (object: Story['goal'] | NonNullable<Story['job']>): boolean =>
    object.status?.observedGeneration !== undefined && object.status.observedGeneration !== object.metadata.generation;
  return behind(goal) || (job !== undefined && behind(job));
}

/** Whether a frozen job has yet to notice that its goal allows more than it froze at. A policy may forbid that it ever goes on. */
export function isRaised({ goal, job }: Story): boolean {
  const frozenAt = job?.status?.phase === 'Frozen' ? job.status.cost?.limit : undefined;
  const limit = goal.spec.budget?.limit;
  return frozenAt !== undefined && limit !== undefined && Number(limit) > Number(frozenAt);
}

const PHASES = new Set(
  'Planning AwaitingApproval Training Pending Provisioning Resuming Running Freezing Frozen Pausing Paused Succeeded Failed Denied Refused NeedsClarification Blocked Terminating'.split(
    ' ',
  ),
);

/** Whether an event only reports that its object came to another phase. */
export function isPhase(reason: string | undefined): boolean {
  return reason !== undefined && PHASES.has(reason);
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
