import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { accepted } from '../support/audit.ts';
import type { Lane, Seen } from './lane.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** What may be compared between two runs: no times, amounts, uids, versions or names that derive from them. */
export interface EndState {
  readonly objects: readonly string[];
  /** Creations and deletions that the API server carried out, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** Attempts of which a process was ever seen, or has left its trace. */
  readonly started: number;
}

const conditionsOf = (conditions: readonly Condition[] | undefined): string =>
  (conditions ?? [])
    .map(({ type, status, reason }) => `${type}=${status}/${reason}`)
    .sort()
    .join(' ');

function goalLine({ metadata, status }: TrainingGoal): string {
  return `goal ${status?.phase} finalizers=${metadata.finalizers?.length ?? 0} ${conditionsOf(status?.conditions)}`;
}

function planLine({ status }: TrainingPlan): string {
  return `plan ${status?.phase} ${status?.approval?.decision} ${conditionsOf(status?.conditions)}`;
}

function jobLine({ metadata, spec, status }: TrainingJob): string {
  const attempts = status?.attempts?.map(
    ({ number, state, outcome, resumedFromStep }) => `${number}:${state}/${outcome}${resumedFromStep > 0 ? '+' : ''}`,
  );
  const saved = (status?.checkpoints ?? []).some(({ verifiedAt }) => verifiedAt !== undefined);
  const parts = [
    `job ${status?.phase} replicas=${spec.replicas}/${status?.replicas} finalizers=${metadata.finalizers?.length ?? 0}`,
    `attempts=${attempts?.join()} freeze=${status?.freeze?.reason} verified=${saved}`,
    `artifacts=${status?.artifacts?.map(({ name }) => name).join()}`,
    conditionsOf(status?.conditions),
  ];
  return parts.join(' ');
}

/** Reads the end of a run off the API server, its audit log and the process table. */
export async function endStateOf(lane: Lane, seen: Seen): Promise<EndState> {
  const counts: Record<string, number> = {};
  // Proposed changes follow from the measured speed: whether one is made in time depends on the machine.
  const proposed = new Set<string>();
  const gone = new Set<string>();
  for (const entry of (await lane.writes()).filter(accepted)) {
    const { verb, objectRef, user } = entry;
    const { resource = '', subresource } = objectRef ?? {};
    if (!['create', 'delete', 'deletecollection'].includes(verb) || subresource !== undefined) continue;
    // Of what the control plane does by itself only the collection of garbage is ours to answer for.
    if (objectRef?.apiGroup !== 'training.kriptik.ai' && !user.username.includes('kriptik-operator')) continue;
    // Whether a pod ends by itself in time or is told to depends on how long an operator takes to start again.
    if (resource === 'events' || resource === 'pods') continue;
    const { metadata, spec } = (entry.requestObject ?? {}) as Partial<TrainingPlan>;
    if (resource === 'trainingplans' && spec?.amends !== undefined) proposed.add(metadata?.name ?? '');
    if (resource === 'trainingplans' && proposed.has(metadata?.name ?? objectRef?.name ?? '')) continue;
    // What goes already may be told to go once more.
    if (verb === 'delete' && gone.has(`${resource}/${objectRef?.name}`)) continue;
    if (verb === 'delete') gone.add(`${resource}/${objectRef?.name}`);
    const key = `${verb} ${resource}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  const objects = [
    ...(seen.goal === undefined ? [] : [goalLine(seen.goal)]),
    ...seen.plans
      .filter(({ spec }) => spec.amends === undefined)
      .map(planLine)
      .sort(),
    ...seen.jobs.map(jobLine).sort(),
  ];
  return { objects, counts, started: (await lane.started()).size };
}
