import { createHash } from 'node:crypto';
import { getOrUndefined } from '../../runtime/apply.ts';
import type { Clock } from '../../runtime/clock.ts';
import { isAlreadyExists } from '../../runtime/errors.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import type { Unstored } from '../../runtime/types.ts';
import { misconfigured } from '../errors.ts';
import { type Clients, clientsOf } from './cluster.ts';
import { podTemplate } from './desired-pod.ts';
import { explain } from './failures.ts';
import { isGoneMeanwhile } from './launch.ts';
import { podLogs } from './logs.ts';
import { JOB_NAME_LABEL, LABEL, PATHS } from './names.ts';
import type { Job, Pod } from './objects.ts';
import { hasEnded } from './pods.ts';
import { type KubernetesSettings, NO_SHAPE } from './settings.ts';

/** The reader is ended by the cluster after this time, and forgotten after the other, if nobody does it sooner. */
const MOST_SECONDS = 600;
const KEPT_SECONDS = 300;
/** Between two looks whether it is done, in ms. */
const LOOK_MS = 500;

/**
 * Makes what looks into a pvc:// store, which only a pod can: a Job that mounts the claim for reading, asks for no GPU
 * and prints what it found. `inspect` gives the JSON that it printed.
 */
export const claimReader = (
  kube: KubeClient,
  settings: KubernetesSettings,
  clock: Clock,
): ((uri: string, options: { fresh: boolean }) => Promise<unknown>) => {
  const clients = clientsOf(kube);
  return async (uri, { fresh }) => {
    const { namespace } = settings;
    if (namespace === undefined) {
      throw misconfigured('a pvc:// store needs kubernetes.namespace', 'Name the namespace that has the claim.');
    }
    const wanted = readerJob(settings, namespace, uri, fresh);
    const key = { namespace, name: wanted.metadata.name };
    try {
      // One that an operator left behind has read what was there then, not what is there now.
      await remove(clients, key);
      await create(clients, clock, wanted);
      const pod = await ended(clients, clock, key);
      return parse(await textOf(kube, pod), uri);
    } catch (error) {
      throw explain(error, namespace);
    } finally {
      await remove(clients, key).catch(() => undefined);
    }
  };
};

type Key = { namespace: string; name: string };

const readerJob = (settings: KubernetesSettings, namespace: string, uri: string, fresh: boolean): Unstored<Job> => {
  const name = `kriptik-reader-${createHash('sha256').update(uri).digest('hex').slice(0, 16)}`;
  const labels = {
    'app.kubernetes.io/managed-by': 'kriptik',
    [LABEL.reader]: name,
    [LABEL.provider]: settings.provider,
  };
  const { image = '' } = settings.spec;
  const command = ['python', '-m', 'kriptik_trainer', 'store', 'inspect', '--uri', uri, '--mount', PATHS.claim];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: MOST_SECONDS,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: podTemplate(
        { name, labels, shape: NO_SHAPE, image, command: fresh ? [...command, '--fresh'] : command },
        settings,
      ),
    },
  };
};

/** Waits for an earlier one of the name to be gone. */
const create = async (clients: Clients, clock: Clock, wanted: Unstored<Job>): Promise<void> => {
  for (const end = clock.now() + MOST_SECONDS * 1000; ; await clock.sleep(LOOK_MS)) {
    try {
      await clients.jobs.create(wanted);
      return;
    } catch (error) {
      if (!isAlreadyExists(error) || clock.now() > end) throw error;
    }
  }
};

const ended = async (clients: Clients, clock: Clock, key: Key): Promise<Pod> => {
  const labelSelector = `${JOB_NAME_LABEL}=${key.name}`;
  for (const end = clock.now() + MOST_SECONDS * 1000; clock.now() < end; await clock.sleep(LOOK_MS)) {
    const [pod] = (await clients.pods.list({ namespace: key.namespace, labelSelector })).items;
    if (pod !== undefined && hasEnded(pod)) return pod;
    if ((await getOrUndefined(clients.jobs, key)) === undefined) throw new Error(`Job ${key.name} was deleted`);
  }
  throw new Error(`Job ${key.namespace}/${key.name} did not end within ${MOST_SECONDS} s`);
};

const textOf = async (kube: KubeClient, pod: Pod): Promise<string> => {
  const lines: string[] = [];
  for await (const line of podLogs(kube, pod, {})) lines.push(line);
  return lines.join('\n');
};

/** The document among what else libraries say. */
const parse = (text: string, uri: string): unknown => {
  const from = text.search(/^\{/m);
  try {
    return JSON.parse(text.slice(from, text.lastIndexOf('}') + 1));
  } catch (error) {
    const last = text.trim().split('\n').at(-1) ?? '';
    throw new Error(`the reader of ${uri} printed no document: ${last.slice(0, 300)}`, { cause: error });
  }
};

const remove = async (clients: Clients, key: Key): Promise<void> => {
  try {
    await clients.jobs.delete(key, { propagation: 'Foreground' });
  } catch (error) {
    if (!isGoneMeanwhile(error)) throw error;
  }
};
