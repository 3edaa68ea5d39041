import { getOrUndefined } from '../../runtime/apply.ts';
import { type KubeObject, keyOf } from '../../runtime/types.ts';
import { outcomeUnknown } from '../errors.ts';
import type { Clients } from './cluster.ts';
import { activeDeadlineSeconds, graceSecondsOf } from './desired.ts';
import { isGoneMeanwhile } from './launch.ts';
import { ANNOTATION, SECRET_KEY } from './names.ts';
import { epochOf, type Job } from './objects.ts';
import type { KubernetesSettings } from './settings.ts';

/** Moves the moment at which the cluster itself ends a Job; undefined lifts it. Times in epoch ms. */
export const moveHardDeadline = async (
  clients: Clients,
  settings: KubernetesSettings,
  job: Job,
  hardDeadline: number | undefined,
  now: number,
): Promise<void> => {
  const from = startOf(job) ?? now;
  const seconds = activeDeadlineSeconds(hardDeadline, from, graceSecondsOf(settings));
  if (seconds === job.spec.activeDeadlineSeconds) return;
  const { uid } = job.metadata;
  try {
    await clients.jobs.patch(keyOf(job), { metadata: { uid }, spec: { activeDeadlineSeconds: seconds ?? null } });
  } catch (error) {
    if (!isGoneMeanwhile(error)) throw error;
  }
};

/**
 * When a Job began, by the operator's clock, epoch ms: the cluster's clock may differ from it, and the launch was seen
 * by both.
 */
const startOf = ({ metadata, status }: Job): number | undefined => {
  const began = epochOf(status?.startTime);
  const created = epochOf(metadata.creationTimestamp);
  const launched = epochOf(metadata.annotations?.[ANNOTATION.launched]);
  if (began === undefined || created === undefined || launched === undefined) return began;
  return began - created + launched;
};

/** Replaces the trainer's own deadline in the spec that its pod will read when it starts. RFC 3339, or null for none; `now` in epoch ms. */
export const renewSpec = async (
  clients: Clients,
  key: Required<Pick<KubeObject['metadata'], 'name' | 'namespace'>>,
  deadline: string | null,
  now: number,
): Promise<void> => {
  const secret = await getOrUndefined(clients.secrets, key);
  const encoded = secret?.data?.[SECRET_KEY.spec];
  if (secret === undefined || encoded === undefined) return;
  const spec: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  if (typeof spec !== 'object' || spec === null) throw outcomeUnknown(`spec.json of attempt ${key.name} is damaged`);
  const { deadlineSeconds: _, ...rest } = spec as { deadlineSeconds?: number };
  const seconds = deadline === null ? {} : { deadlineSeconds: Math.max(0, (Date.parse(deadline) - now) / 1000) };
  const renewed = Buffer.from(JSON.stringify({ ...rest, deadline, ...seconds })).toString('base64');
  await clients.secrets.patch(key, {
    metadata: { resourceVersion: secret.metadata.resourceVersion },
    data: { [SECRET_KEY.spec]: renewed },
  });
};
