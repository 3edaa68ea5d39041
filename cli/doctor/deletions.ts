import { GOALS, GROUP, JOBS, PLANS } from '../resources.ts';
import type { Session } from '../session.ts';
import { type Finding, ok, warn } from './types.ts';

/** A deletion that takes longer than this is worth a word, ms. */
const LONG_MS = 60_000;

/** What is needed of an object that is being deleted. */
export interface Leaving {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

/** Which objects are being deleted for long, and what keeps each of them. */
export async function checkDeletions(session: Session): Promise<Finding> {
  const { client, namespace } = session;
  const options = { namespace, signal: session.host.signal };
  const [goals, plans, jobs] = await Promise.all([
    client.resource(GOALS).list(options),
    client.resource(PLANS).list(options),
    client.resource(JOBS).list(options),
  ]);
  const named = (kind: string, items: readonly object[]): Leaving[] =>
    items.map((item) => ({ ...(item as Leaving), kind }));
  const all = [
    ...named('TrainingGoal', goals.items),
    ...named('TrainingPlan', plans.items),
    ...named('TrainingJob', jobs.items),
  ];
  return explainDeletions(all, session.now());
}

/** The finding for these objects at `now`, epoch ms. */
export function explainDeletions(all: readonly Leaving[], now: number): Finding {
  const stuck = all.filter(
    ({ metadata }) =>
      metadata.deletionTimestamp !== undefined && now - Date.parse(metadata.deletionTimestamp) > LONG_MS,
  );
  if (stuck.length === 0) return ok('deletions', 'nothing waits to be deleted');
  const lines = stuck.map((one) => `${one.kind} ${one.metadata.name}: ${blockedBy(one, all)}`);
  return warn('deletions', lines.join(' '), remedyFor(stuck));
}

function blockedBy(object: Leaving, all: readonly Leaving[]): string {
  const { finalizers = [], uid } = object.metadata;
  const own = finalizers.filter((name) => name.startsWith(`${GROUP}/`));
  const others = finalizers.filter((name) => !name.startsWith(`${GROUP}/`) && name !== 'foregroundDeletion');
  const below = all.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true);
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  const reasons = [
    ...(own.length > 0 ? [ready?.message ?? 'the operator has not said yet what it waits for; is one running?'] : []),
    ...(below.length > 0 && finalizers.includes('foregroundDeletion')
      ? [`it goes after ${below.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}.`]
      : []),
    ...(others.length > 0 ? [`another program keeps it by the finalizer ${others.join(', ')}.`] : []),
  ];
  return reasons.length === 0 ? 'it goes by itself.' : reasons.join(' ');
}

function remedyFor(stuck: readonly Leaving[]): string {
  const blocked = stuck.some(
    ({ status }) => status?.conditions?.some(({ reason }) => reason === 'DeletionBlocked') === true,
  );
  return blocked
    ? 'Make the provider reachable again: then it goes by itself. Or let go with the command above, knowing that what runs there may be billed on; see docs/recovery.md.'
    : 'Wait, or see that the operator runs: kriptik doctor.';
}
