import { z } from 'zod';
import type { Unstored } from '../../runtime/types.ts';
import type { InstanceExit, LaunchRequest } from '../backend.ts';
import { metadataOf } from './desired.ts';
import type { LifeRecord } from './facts.ts';
import { ANNOTATION, LABEL } from './names.ts';
import { type ConfigMap, epochOf } from './objects.ts';
import { ownerOf } from './observe.ts';
import type { KubernetesSettings } from './settings.ts';

const exitRecord = z.object({
  code: z.number().int().nullable(),
  signal: z.string().nullable(),
  at: z.number().int(),
  reason: z.enum([
    'exited',
    'terminated',
    'hardDeadline',
    'memoryLimit',
    'spawnFailed',
    'neverStarted',
    'evicted',
    'preempted',
    'nodeLost',
  ]),
  message: z.string().exactOptional(),
});

/**
 * The record of an attempt: made first, so that a name is taken before anything can run under it, and left without
 * anything else when the attempt is released, so that it is never taken again.
 */
export const recordOf = (request: LaunchRequest, settings: KubernetesSettings): Unstored<ConfigMap> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(request, settings),
});

/** What a record says. */
export const lifeOf = (record: ConfigMap): LifeRecord => {
  const { annotations = {}, labels = {} } = record.metadata;
  const created = annotations[ANNOTATION.created];
  const stoppedAt = epochOf(annotations[ANNOTATION.stopped]);
  const billedFrom = epochOf(annotations[ANNOTATION.billedFrom]);
  const exit = exitFrom(annotations[ANNOTATION.exit]);
  return {
    job: ownerOf(record),
    ...(created !== undefined && { created }),
    ...(stoppedAt !== undefined && { stoppedAt }),
    ...(billedFrom !== undefined && { billedFrom }),
    ...(exit !== undefined && { exit }),
    released: labels[LABEL.released] !== undefined,
  };
};

const exitFrom = (text: string | undefined): InstanceExit | undefined => {
  if (text === undefined) return undefined;
  try {
    return exitRecord.parse(JSON.parse(text));
  } catch {
    // Written by hand: what it said is not known, and is found out anew.
    return undefined;
  }
};

const time = (at: number): string => new Date(at).toISOString();

/** Patch that notes down the request to end it, once, and since when it held a node. */
export const stopPatch = (life: LifeRecord, now: number, billedFrom: number | undefined): object | undefined => {
  const annotations = {
    ...(life.stoppedAt === undefined && { [ANNOTATION.stopped]: time(now) }),
    ...(life.billedFrom === undefined && billedFrom !== undefined && { [ANNOTATION.billedFrom]: time(billedFrom) }),
  };
  return Object.keys(annotations).length === 0 ? undefined : { metadata: { annotations } };
};

export const createdPatch = (uid: string): object => ({ metadata: { annotations: { [ANNOTATION.created]: uid } } });

export const billedPatch = (at: number): object => ({
  metadata: { annotations: { [ANNOTATION.billedFrom]: time(at) } },
});

export const exitPatch = (exit: InstanceExit): object => ({
  metadata: { annotations: { [ANNOTATION.exit]: JSON.stringify(exit) } },
});

export const releasedPatch = (now: number): object => ({
  metadata: { labels: { [LABEL.released]: 'true' }, annotations: { [ANNOTATION.released]: time(now) } },
});
