import { type Attempt, annotations } from '@kriptik/crds';
import { findCondition } from '../runtime/conditions.ts';
import { event, type Step } from './step.ts';
import type { JobObserved } from './types.ts';

/**
 * What a deleted job does whose attempt is not verified to be gone. It is not let go by itself, for it may still be
 * billed; but after a while it says what keeps it, and a person with the verb `abandon` may let it go. What is left
 * behind then is ended by the sweep of its provider, as soon as that can be reached again.
 */
export function whileDeleted(o: JobObserved, step: Step): Step {
  const { deletionTimestamp } = o.job.metadata;
  const live = step.attempts.findLast(({ state }) => state !== 'Gone');
  if (deletionTimestamp === undefined || live === undefined) return step;
  if (o.job.metadata.annotations?.[annotations.letGo] === live.name) return letGo(step, live);
  if (o.now - Date.parse(deletionTimestamp) < o.settings.deletionPatienceMs) return step;
  const message = blocked(o, live);
  const told = findCondition(o.job.status?.conditions, 'Ready')?.reason === 'DeletionBlocked';
  return {
    ...step,
    situation: { kind: 'Terminating', reason: 'DeletionBlocked', message },
    events: told ? step.events : [...step.events, event('Warning', 'DeletionBlocked', message)],
  };
}

function letGo(step: Step, live: Attempt): Step {
  const message = `Let go by a person although attempt ${live.number} (${live.name}) on ${live.provider} was not verified to be gone; ${untilWhen(live)}`;
  return {
    ...step,
    situation: { kind: 'Terminating', message },
    actions: [{ type: 'RemoveFinalizer' }],
    events: [event('Warning', 'InstanceAbandoned', message)],
  };
}

function untilWhen({ deadline }: Attempt): string {
  return deadline === undefined
    ? 'it may run on and be billed until somebody ends it there'
    : `it may run on and be billed until its own deadline of ${deadline}`;
}

function blocked(o: JobObserved, live: Attempt): string {
  const { namespace, name } = o.job.metadata;
  const provider = o.providers.find((one) => one.name === live.provider);
  const why =
    o.instance === 'unknown'
      ? `ComputeProvider ${live.provider} does not say whether attempt ${live.number} (${live.name}) still runs${hint(provider)}`
      : `attempt ${live.number} (${live.name}) was told to end on ${live.provider} and is still there`;
  const command = `kubectl -n ${namespace} annotate trainingjob ${name} ${annotations.letGo}=${live.name}`;
  return `Deletion waits until nothing runs any more: ${why}. To let go without that (needs the verb abandon on trainingjobs; ${untilWhen(live)}): ${command}`;
}

function hint(provider: JobObserved['providers'][number] | undefined): string {
  return provider === undefined || provider.ready ? '' : ` (${provider.reason}: ${provider.message})`;
}
