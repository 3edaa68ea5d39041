import type { TrainingGoal } from '@kriptik/crds';
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
  const [plan, job] = await Promise.all([
    planRef === undefined ? undefined : tryGet(session, PLANS, planRef.name),
    jobRef === undefined ? undefined : tryGet(session, JOBS, jobRef.name),
  ]);
  const names = [goal.metadata.name, planRef?.name, jobRef?.name].filter((name) => name !== undefined);
  return { goal, plan, job, events: await eventsOf(session, new Set(names)) };
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
