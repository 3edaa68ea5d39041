import { labels, type TrainingGoal, type TrainingPlan } from '@kriptik/crds';
import { isTrue } from '@kriptik/operator/runtime/conditions.ts';
import type { ResourceType } from '@kriptik/operator/runtime/types.ts';
import type { KubeEvent } from './describe/common.ts';
import type { Story } from './describe/goal.ts';
import { tryGet } from './locate.ts';
import { EVENTS, JOBS, PLANS } from './resources.ts';
import type { Session } from './session.ts';

const eventType: ResourceType<KubeEvent> = EVENTS as ResourceType<KubeEvent>;

/** Reads a goal's plan, job and their events. A reader without the right to events gets none. */
export async function readStory(session: Session, goal: TrainingGoal): Promise<Story> {
  const { planRef, jobRef } = goal.status ?? {};
  const [plan, job, proposals] = await Promise.all([
    planRef === undefined ? undefined : tryGet(session, PLANS, planRef.name),
    jobRef === undefined ? undefined : tryGet(session, JOBS, jobRef.name),
    jobRef === undefined ? [] : openProposals(session, goal),
  ]);
  const names = [goal.metadata.name, planRef?.name, jobRef?.name].filter((name) => name !== undefined);
  return { goal, plan, job, proposals, events: await eventsOf(session, new Set(names)) };
}

/** Amendments of the goal's plan that wait for somebody to decide on them. */
async function openProposals(session: Session, goal: TrainingGoal): Promise<TrainingPlan[]> {
  const { items } = await session.client.resource(PLANS).list({
    namespace: session.namespace,
    labelSelector: `${labels.goal}=${goal.metadata.name}`,
    signal: session.host.signal,
  });
  return items.filter(
    ({ spec, status }) =>
      spec.amends !== undefined &&
      spec.goalRef.uid === goal.metadata.uid &&
      status?.approval === undefined &&
      !isTrue(status?.conditions, 'Withdrawn'),
  );
}

/** Events of objects of our kinds with these names in the session's namespace. */
export async function eventsOf(session: Session, names: ReadonlySet<string>): Promise<KubeEvent[]> {
  const lists = await Promise.all(
    [...names].map((name) =>
      session.client
        .resource(eventType)
        .list({
          namespace: session.namespace,
          fieldSelector: `involvedObject.name=${name}`,
          signal: session.host.signal,
        })
        .then(({ items }) => items)
        .catch(() => []),
    ),
  );
  return lists.flat().filter((event) => /^(Training|Compute)/.test(event.involvedObject?.kind ?? ''));
}
