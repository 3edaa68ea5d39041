import type { Clients } from './cluster.ts';
import { removeOurs } from './launch.ts';
import { ANNOTATION, LABEL, releasedRecords } from './names.ts';
import { type ConfigMap, epochOf } from './objects.ts';
import type { KubernetesSettings } from './settings.ts';

/**
 * Removes what only says that a name was used, where the job that used it is gone and it has been released since before
 * `before` (epoch ms): nobody can launch under that name any more. Garbage collection does the same where the record lies
 * in the namespace of its job. Resolves with how many were removed.
 */
export const forgetNames = async (
  clients: Clients,
  { namespace, provider }: KubernetesSettings,
  isGone: (jobUid: string) => boolean,
  before: number,
): Promise<number> => {
  const { items } = await clients.records.list({ namespace, labelSelector: releasedRecords(provider) });
  const forgotten = items.filter(({ metadata }) => {
    const uid = metadata.labels?.[LABEL.jobUid];
    return uid !== undefined && isGone(uid);
  });
  const old = forgotten.filter((record) => releasedAt(record) <= before);
  for (const { metadata } of old) {
    const { namespace: where = '', name } = metadata;
    await removeOurs(clients.records, { namespace: where, name }, name);
  }
  return old.length;
};

const releasedAt = ({ metadata }: ConfigMap): number =>
  epochOf(metadata.annotations?.[ANNOTATION.released]) ??
  epochOf(metadata.creationTimestamp) ??
  Number.POSITIVE_INFINITY;
